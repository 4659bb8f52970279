//! TYPING: somebody is writing something. A hint for whoever is there: nothing is stored, and nothing is lost with it.

use domain::policy::{PairAct, between};
use domain::{ConversationKind, UserId};
use protocol::limits::TYPING_MEMBERS_MAX;
use protocol::{IsTyping, Nothing, Push, Typing};

use crate::caller::Me;
use crate::conversation;
use crate::friends;
use crate::groups;
use crate::hub::Audience;
use crate::refuse::{self, Stop};
use crate::service::Service;

/// TYPING. Refused where a message would be. Where many would be told, nobody is.
pub(crate) fn tell(service: &Service, me: Me<'_>, request: &Typing) -> Result<Nothing, Stop> {
    let ports = &service.ports;
    service.limits.typings.take(me.user(), ports.clock.now())?;
    let conversation = conversation::of(service, me, request.conv)?;
    let told = |audience: Audience<'_>| {
        let name = service.directory.own_face(&*ports.store, me.principal).shown().to_owned();
        let typing = IsTyping { conv: conversation.id.0, from: me.user().0, name };
        ports.hub.push(audience, &Push::Typing(typing));
    };
    match conversation.kind {
        ConversationKind::Direct { with } => {
            between(PairAct::Say, friends::relation(service, me.user(), with)?)?;
            told(Audience::Users(&[with]));
        }
        ConversationKind::Group => {
            let group = conversation.id.group();
            if let Err(silent) = groups::may_speak(service, group, me.user())? {
                return Err(Stop::refused(refuse::silent(silent)));
            }
            if let Some(roster) = groups::roster(service, group)?
                && roster.members().len() <= TYPING_MEMBERS_MAX
            {
                let (version, members): (_, &[UserId]) = (roster.version(), roster.members());
                told(Audience::Members { group, version, members, but: me.user() });
            }
        }
    }
    Ok(Nothing {})
}
