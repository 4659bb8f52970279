//! Passwords, tokens and texts do not end up where somebody reads them.

use bytes::BytesMut;
use protocol::{
    ChangePassword, DeleteAccount, EditProfile, Incoming, Login, OwnedGroups, PasswordProof, Recover, Reg,
    Request, Resume, Secret, decode, encode, limits,
};

use crate::hostile::{frame, refused};
use crate::meaning::{Meaning, meanings};

const SECRET: &str = "hunter2hunter2";

#[test]
fn debug_of_messages_and_frames_shows_no_secret() {
    let requests = [
        Request::Login(Login { name: Some("a".into()), password: Secret::new(SECRET), ..Login::default() }),
        Request::Reg(Reg { name: "a".into(), password: Secret::new(SECRET) }),
        Request::ChangePassword(ChangePassword {
            password: Secret::new(SECRET),
            new_password: Secret::new(SECRET),
        }),
        Request::Recover(Recover {
            id: Some(1),
            name: None,
            code: Secret::new(SECRET),
            new_password: Secret::new(SECRET),
        }),
        Request::NewRecoveryCodes(PasswordProof { password: Secret::new(SECRET) }),
        Request::DeleteAccount(DeleteAccount { password: Secret::new(SECRET), owned: OwnedGroups::Dissolve }),
        Request::Resume(Resume { token: Secret::new(SECRET), ..Resume::default() }),
        Request::EditProfile(EditProfile { phone: Some(Secret::new(SECRET)), ..EditProfile::default() }),
    ];
    for request in requests {
        let mut out = BytesMut::new();
        encode::request(1, &request, &mut out);
        assert!(String::from_utf8_lossy(&out).contains(SECRET), "it does travel");
        let (frame, _) = decode(&out, limits::FRAME_BYTES_MAX).unwrap().unwrap();
        let bytes = format!("{:?}", SECRET.as_bytes());
        for shown in
            [format!("{request:?}"), format!("{request:#?}"), format!("{frame:?}"), format!("{frame:#?}")]
        {
            assert!(!shown.contains(SECRET), "{shown}");
            assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
        }
    }
}

#[test]
fn debug_of_a_login_reply_shows_no_token() {
    let shown: Vec<String> = meanings()
        .iter()
        .filter(|(name, _)| name.starts_with("login_ack/reply"))
        .map(|(_, meaning)| match meaning {
            Meaning::Incoming(Incoming::Reply { result: Ok(reply), .. }) => format!("{reply:?}"),
            _ => unreachable!("a login reply is a reply"),
        })
        .collect();
    assert_eq!(shown.len(), 3);
    assert!(shown.iter().all(|shown| shown.contains("token: Some(***)")), "{shown:?}");
}

/// A refusal says which field and what is expected, never what stood there: it is logged, and a value may be a password
/// that slipped into the wrong field.
#[test]
fn errors_repeat_no_value() {
    let bodies = [
        format!(r#"{{"id":"{SECRET}","password":"x"}}"#),
        format!(r#"{{"id":1,"password":["{SECRET}"]}}"#),
        format!(r#"{{"id":1,"password":{{"{SECRET}":1}}}}"#),
        format!(r#"{{"id":"a, expected {SECRET}` at line 1 column 2","password":"x"}}"#),
        format!(r#"{{"id":"\"`, expected {SECRET}","password":"x"}}"#),
        format!(r#"{{"id":1,"password":"{SECRET}"#),
        format!(r#"{{"id":1,"password":"x"}} {SECRET}"#),
        format!(r#"{{"id":1,"{SECRET}":{SECRET}}}"#),
        format!(r#"{{"{SECRET}":1}}"#),
        SECRET.to_owned(),
        r#"{"id":1,"password":987654321012345}"#.to_owned(),
        r#"{"id":1,"password":-987654321012345}"#.to_owned(),
        r#"{"id":1,"password":987654321012345.5}"#.to_owned(),
        r#"{"id":987654321012345e300,"password":"x"}"#.to_owned(),
    ];
    for body in bodies {
        let error = refused(&frame(1, body.as_bytes()));
        let refusal = error.refusal();
        let mut causes = String::new();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            causes += &format!("{cause} {cause:?} ");
            source = cause.source();
        }
        let shown = format!("{error} {error:?} {error:#?} {refusal} {refusal:?} {causes}");
        assert!(!shown.contains(SECRET), "{body} gave {shown}");
        assert!(!shown.contains("987654321012345"), "{body} gave {shown}");
    }
}
