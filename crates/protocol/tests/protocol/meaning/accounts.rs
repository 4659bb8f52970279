//! Registering, signing in, sessions and secrets.

use protocol::*;

use super::cast::*;
use super::{Meaning, push, refused, reply, request};

pub(super) fn accounts() -> Vec<(&'static str, Meaning)> {
    let password = || Secret::new("correct horse");
    let bundle = |token: Option<&str>| SignedIn {
        id: 1,
        name: "alice".into(),
        session: 5,
        token: token.map(Secret::new),
        ..SignedIn::default()
    };
    vec![
        ("reg/request", request(2, Request::Reg(Reg { name: "alice".into(), password: password() }))),
        ("reg_ack/reply", reply(2, Reply::Reg(Registered { id: 1, recovery_codes: recovery_codes() }))),
        (
            "login/request",
            request(
                3,
                Request::Login(Login {
                    name: Some("alice".into()),
                    password: password(),
                    ..Login::default()
                }),
            ),
        ),
        (
            "login/request-by-id",
            request(
                3,
                Request::Login(Login {
                    id: Some(1),
                    password: password(),
                    notices_after: Some(5),
                    broadcasts_after: Some(3),
                    epoch: Some(EPOCH.into()),
                    friends_version: Some("41".into()),
                    groups_version: Some("3.12".into()),
                    ..Login::default()
                }),
            ),
        ),
        (
            "login_ack/reply",
            reply(
                3,
                Reply::Login(SignedIn {
                    friends: vec![bob()],
                    groups: vec![climbers(Role::Owner, 1)],
                    requests: vec![carols_request()],
                    convs: vec![direct(1, 0)],
                    friends_version: "42".into(),
                    groups_version: "3.12".into(),
                    notices_last: 7,
                    notices_acked: 5,
                    broadcasts_last: 4,
                    broadcasts_acked: 3,
                    epoch: EPOCH.into(),
                    ..bundle(Some(TOKEN))
                }),
            ),
        ),
        (
            "login_ack/reply-goes-on",
            reply(
                3,
                Reply::Login(SignedIn {
                    friends_next: 4,
                    groups_next: 11,
                    requests_next: 3,
                    convs_next: 10,
                    applications: 2,
                    invitations: 1,
                    quiet_version: 7,
                    hidden_last: 3,
                    ..bundle(Some(TOKEN))
                }),
            ),
        ),
        (
            "login_ack/reply-unchanged",
            reply(
                3,
                Reply::Login(SignedIn {
                    friends_version: "42".into(),
                    friends_unchanged: true,
                    friends_online: Some(vec![2]),
                    groups_version: "3.12".into(),
                    groups_unchanged: true,
                    ..bundle(Some(TOKEN))
                }),
            ),
        ),
        (
            "resume/request",
            request(
                3,
                Request::Resume(Resume {
                    token: Secret::new(TOKEN),
                    notices_after: Some(5),
                    broadcasts_after: Some(3),
                    epoch: Some(EPOCH.into()),
                    friends_version: Some("42".into()),
                    groups_version: Some("3.12".into()),
                }),
            ),
        ),
        (
            "resume/reply",
            reply(
                3,
                Reply::Resume(SignedIn {
                    friends: vec![bob()],
                    friends_version: "42".into(),
                    groups_version: "2.0".into(),
                    notices_last: 7,
                    notices_acked: 5,
                    epoch: EPOCH.into(),
                    ..bundle(None)
                }),
            ),
        ),
        ("resync/push", push(Push::Resync(Resync { within_ms: 2_000 }))),
        (
            "refresh/request",
            request(
                44,
                Request::Refresh(Refresh {
                    notices_after: Some(5),
                    broadcasts_after: Some(3),
                    epoch: Some(EPOCH.into()),
                    friends_version: Some("42".into()),
                    groups_version: Some("2.0".into()),
                }),
            ),
        ),
        (
            "refresh/reply",
            reply(
                44,
                Reply::Refresh(SignedIn {
                    friends_version: "42".into(),
                    friends_unchanged: true,
                    friends_online: Some(vec![2]),
                    groups_version: "2.0".into(),
                    groups_unchanged: true,
                    notices_last: 7,
                    notices_acked: 5,
                    epoch: EPOCH.into(),
                    ..bundle(None)
                }),
            ),
        ),
        ("loginout/request", request(7, Request::LogOut(Nothing {}))),
        ("loginout/reply", reply(7, Reply::LogOut(Nothing {}))),
        ("sessions/request", request(41, Request::Sessions(Nothing {}))),
        (
            "sessions/reply",
            reply(
                41,
                Reply::Sessions(SessionsList {
                    sessions: vec![
                        Session {
                            session: 5,
                            device: "laptop".into(),
                            since: TIME,
                            seen: TIME + 60_000,
                            state: State::Online,
                            current: true,
                        },
                        Session {
                            session: 6,
                            device: "phone".into(),
                            since: TIME - 86_400_000,
                            seen: TIME - 3_600_000,
                            state: State::Offline,
                            current: false,
                        },
                    ],
                }),
            ),
        ),
        ("end_session/request", request(42, Request::EndSession(SessionRef { session: 6 }))),
        ("end_session/reply", reply(42, Reply::EndSession(Nothing {}))),
        (
            "change_password/request",
            request(
                43,
                Request::ChangePassword(ChangePassword {
                    password: password(),
                    new_password: new_password(),
                }),
            ),
        ),
        ("change_password/reply", reply(43, Reply::ChangePassword(Nothing {}))),
        ("change_password/refused-wrong-password", refused(43, Refusal::new(Code::BAD_CREDENTIALS))),
        (
            "recover/request",
            request(
                2,
                Request::Recover(Recover {
                    id: None,
                    name: Some("alice".into()),
                    code: Secret::new(CODES[0]),
                    new_password: new_password(),
                }),
            ),
        ),
        (
            "recover/request-by-id",
            request(
                2,
                Request::Recover(Recover {
                    id: Some(1),
                    name: None,
                    code: Secret::new(CODES[1].to_lowercase().replace('-', " ")),
                    new_password: new_password(),
                }),
            ),
        ),
        ("recover/reply", reply(2, Reply::Recover(Recovered { id: 1, name: "alice".into(), codes_left: 9 }))),
        (
            "recover/refused",
            refused(
                2,
                Refusal::saying(
                    Code::BAD_CREDENTIALS,
                    "account or code is wrong, or the account has to wait after wrong codes",
                ),
            ),
        ),
        ("recover/refused-too-many", refused(3, Refusal::new(Code::TOO_MANY).retry_after_ms(2_000))),
        (
            "new_recovery_codes/request",
            request(44, Request::NewRecoveryCodes(PasswordProof { password: password() })),
        ),
        (
            "new_recovery_codes/reply",
            reply(44, Reply::NewRecoveryCodes(RecoveryCodes { recovery_codes: recovery_codes() })),
        ),
        (
            "delete_account/request",
            request(
                45,
                Request::DeleteAccount(DeleteAccount { password: password(), owned: OwnedGroups::HandOver }),
            ),
        ),
        ("delete_account/reply", reply(45, Reply::DeleteAccount(Nothing {}))),
    ]
}
