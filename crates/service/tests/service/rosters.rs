//! Rosters of groups on several nodes: what one changed, the others follow entry by entry.

use domain::{GroupId, GroupStore, RosterVersion, Seq, UserId};
use protocol::{
    Code, GroupRef, JoinGroup, MemberRef, MuteGroup, MuteMember, Nothing, Rank, Reply, Request, SetRole,
};
use service::testing::{Device, Harness};
use service::{Notice, RosterChange, RosterStep};

use crate::refused;

/// Longer than any test takes, in Unix milliseconds.
const FOR_LONG: u64 = 32_503_680_000_000;

/// Alice's group with bob in it, on two nodes; the other one knows its roster.
struct Scene {
    here: Harness,
    there: Harness,
    group: u64,
    owner: u64,
}

impl Scene {
    fn set() -> Scene {
        let here = Harness::new();
        let there = here.beside(service::testing::config());
        let (alice, bob) = (here.login("alice"), here.login("bob"));
        let (group, owner) = (here.group(&[&alice, &bob]), alice.user().0);
        there.login("bob").say_in(group, "1", "the roster is kept from here on").unwrap();
        drop((alice, bob));
        here.hub.take_notices();
        Scene { here, there, group, owner }
    }

    /// Who reads the group's newest message, as the other node knows without asking its store.
    fn known_there(&self) -> Option<Vec<UserId>> {
        let version = self.version();
        let before = self.there.store.operations();
        let known = self.there.service.readers(GroupId(self.group), version, Seq(u64::MAX));
        assert_eq!(self.there.store.operations(), before, "nothing is read");
        known.map(|members| members.to_vec())
    }

    fn version(&self) -> RosterVersion {
        self.here.store.roster(GroupId(self.group)).unwrap().version
    }

    fn stored(&self) -> Vec<UserId> {
        let members = self.here.store.roster(GroupId(self.group)).unwrap().members;
        members.iter().map(|entry| entry.user).collect()
    }
}

fn done(device: &Device<'_>, request: Request) {
    let reply = device.ask(request.clone());
    assert!(reply.is_ok(), "{request:?}: {reply:?}");
}

#[test]
fn each_change_is_followed_without_a_look_into_the_store() {
    let scene = Scene::set();
    let Scene { here, there, group: groupid, .. } = &scene;
    let groupid = *groupid;
    let (alice, carol) = (here.login("alice"), here.login("carol"));
    let bobs = there.login("bob");
    let (bob, id) = (bobs.user().0, carol.user().0);
    let role = |id, role| Request::SetRole(SetRole { groupid, id, role });
    let mute = |until| Request::MuteMember(MuteMember { groupid, id: bob, until });
    let changes = [
        (&carol, Request::JoinGroup(JoinGroup::of(groupid))),
        (&alice, role(bob, Rank::Admin)),
        (&alice, role(bob, Rank::Member)),
        (&alice, mute(FOR_LONG)),
        (&alice, mute(0)),
        (&alice, Request::MuteGroup(MuteGroup { groupid, until: FOR_LONG })),
        (&alice, Request::MuteGroup(MuteGroup { groupid, until: 0 })),
        (&alice, Request::HandOver(MemberRef { groupid, id })),
        (&carol, Request::RemoveMember(MemberRef { groupid, id: bob })),
        (&alice, Request::LeaveGroup(GroupRef { groupid })),
        (&carol, Request::DissolveGroup(GroupRef { groupid })),
    ];
    for (n, (device, request)) in changes.into_iter().enumerate() {
        done(device, request.clone());
        assert_eq!(scene.known_there(), None, "{request:?}: nobody told yet");
        there.hear_from(here);
        assert_eq!(scene.known_there(), Some(scene.stored()), "{request:?}");
        let is_silent = match &request {
            Request::MuteMember(MuteMember { until, .. }) | Request::MuteGroup(MuteGroup { until, .. }) => {
                (*until > 0).then_some(Code::MUTED)
            }
            Request::RemoveMember(_) | Request::LeaveGroup(_) | Request::DissolveGroup(_) => {
                Some(Code::NOT_MEMBER)
            }
            _ => None,
        };
        let said = bobs.say_in(groupid, &format!("bob {n}"), "may I?");
        match is_silent {
            Some(code) => drop(refused(said, code)),
            None => drop(said.unwrap_or_else(|why| panic!("{request:?}: {why}"))),
        }
    }
}

#[test]
fn what_comes_again_late_or_out_of_turn_makes_no_wrong_roster() {
    let scene = Scene::set();
    let Scene { here, there, group, owner } = &scene;
    let join = |name: &str| {
        let device = here.login(name);
        done(&device, Request::JoinGroup(JoinGroup::of(*group)));
        device.user().0
    };
    join("carol");
    let first = here.hub.take_notices();
    let dave = join("dave");
    let remove = Request::RemoveMember(MemberRef { groupid: *group, id: dave });
    let alice = here.login("alice");
    assert_eq!(alice.user().0, *owner);
    assert_eq!(alice.ask(remove).unwrap(), Reply::RemoveMember(Nothing {}));
    let later = here.hub.take_notices();
    // In turn, and then all of them again.
    for notice in first.iter().chain(&later).chain(&first).chain(&later) {
        there.service.heard(notice.clone());
    }
    assert_eq!(scene.known_there(), Some(scene.stored()));
    // One is missing: what is known is of no use, and is read anew.
    join("erin");
    here.hub.take_notices();
    join("frank");
    there.hear_from(here);
    assert_eq!(scene.known_there(), None);
    let version = scene.version();
    let read = there.service.read_roster(GroupId(*group), version).unwrap().expect("there");
    assert_eq!((read.version(), read.members().to_vec()), (version, scene.stored()));
    assert_eq!(scene.known_there(), Some(scene.stored()));
    // What an older one says is known already.
    for notice in first {
        there.service.heard(notice);
    }
    assert_eq!(scene.known_there(), Some(scene.stored()));
}

#[test]
fn who_is_told_before_the_notice_needs_no_look_either() {
    let scene = Scene::set();
    let Scene { here, there, group, .. } = &scene;
    let carol = here.login("carol");
    done(&carol, Request::JoinGroup(JoinGroup::of(*group)));
    let notices = here.hub.take_notices();
    let [change] = &*notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::RosterChanged(change) => Some(change),
            _ => None,
        })
        .collect::<Vec<_>>()
    else {
        panic!("one change: {notices:?}");
    };
    assert!(matches!(change.steps[..], [RosterStep::Add(user, _)] if user == carol.user()));
    there.service.stepped(change);
    assert_eq!(scene.known_there(), Some(scene.stored()));
    notices.into_iter().for_each(|notice| there.service.heard(notice));
    assert_eq!(scene.known_there(), Some(scene.stored()), "and it is still known");
    // Of a group that nobody here knows, and of none at all.
    for group in [GroupId(987_654), GroupId(u64::MAX)] {
        let steps = vec![RosterStep::Close];
        there.service.stepped(&RosterChange { group, version: RosterVersion(1), steps });
    }
}
