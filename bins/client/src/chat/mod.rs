//! Commands, carried out.

mod about;
mod accounts;
mod blocks;
mod changing;
mod contacts;
mod conversations;
mod leading;
mod mentioning;
mod profiles;
mod quiet;
mod requesting;
mod secrets;
mod talking;
mod told;
mod waiting;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::protocol::{EditGroup, Reply, Request, Secret};
use client::{Client, ClientError};

use self::about::About;
use crate::command::{Command, find};
use crate::keeper::Keeper;
use crate::outcome::{AccountsOutcome, Failure, Outcome, TalkingOutcome};
use crate::roster::Talk;
use crate::shared::Shared;

/// Pages of a list that a command shows.
const PAGES_MAX: usize = 100;

/// How long a command waits until the thread of events has seen what the command caused: longer than a slow disk takes to make
/// a store.
const CATCH_UP: Duration = Duration::from_secs(15);

/// Carries out one command after the other, on one thread.
pub(crate) struct Chat {
    pub(crate) client: Client,
    pub(crate) shared: Arc<Shared>,
    pub(crate) keeper: Arc<Mutex<Keeper>>,
    pub(crate) server: String,
    /// The password that was given for all commands.
    pub(crate) password: Option<Secret>,
    pub(crate) manner: Manner,
    /// How long scripts wait.
    pub(crate) patience: Duration,
    /// Conversation → before which seq /history goes on.
    pub(crate) history_before: HashMap<u64, u64>,
    /// What /find looked for last, and where it goes on.
    pub(crate) search: Option<(String, Option<u64>)>,
    /// The last /find-all, and where its next page begins.
    pub(crate) search_all: Option<(String, Option<String>)>,
    /// A script reads what was kept: it waited for a connection once, and there was none.
    pub(crate) offline: bool,
}

/// How a text is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// By a script: it waits for the answer.
    Script,
    /// By somebody typing: the next prompt does not wait for a slow server.
    Terminal,
}

/// Asks for a secret, by this name, where somebody can type one.
pub(crate) type AskSecret<'a> = &'a mut dyn FnMut(&str) -> Option<Secret>;

impl Chat {
    /// Carries one out. What the server refuses is told with its name, where the server's word names nothing.
    pub(crate) fn run(&mut self, command: Command, ask: AskSecret<'_>) -> Result<Outcome, Failure> {
        let about = About::from(&command);
        self.carry_out(command, ask).map_err(|failure| match failure {
            Failure::Refused { refusal, why } => {
                let why = about.refused(&refusal, &self.shared.lock().roster).unwrap_or(why);
                Failure::Refused { refusal, why }
            }
            failure => failure,
        })
    }

    fn carry_out(&mut self, command: Command, ask: AskSecret<'_>) -> Result<Outcome, Failure> {
        match command {
            Command::Help(None) => Ok(Outcome::Help(None)),
            Command::Help(Some(name)) => match find(&name) {
                Some(spec) => Ok(Outcome::Help(Some(spec.name))),
                None => senseless(format!("there is no command {name}")),
            },
            Command::Register { name, password } => self.register(name, password, ask),
            Command::Login { who, password } => self.log_in(&who, password, ask),
            Command::Logout => self.log_out(),
            Command::Password { new } => self.change_password(new, ask),
            Command::Recover { who, code, new } => self.recover(&who, code, new, ask),
            Command::RecoveryCodes { password } => self.new_recovery_codes(password, ask),
            Command::DeleteAccount { owned, confirmed } => self.delete_account(owned, confirmed, ask),
            Command::Whoami => Ok(AccountsOutcome::Whoami {
                me: self.shared.lock().roster.me.clone(),
                server: self.server.clone(),
            }
            .into()),
            Command::Sessions => self.sessions(),
            Command::Quiet(None) => self.list_quiet(),
            Command::Quiet(Some(keep)) => self.keep_quiet(keep),
            Command::Unquiet(what) => self.unquiet(what.as_ref()),
            Command::EndSession(session) => self.end_session(session),
            Command::Profile(who) => self.profile(who.as_ref()),
            Command::Edit(edit) => self.edit(edit),
            Command::Search(query) => self.search(query),
            Command::Friends => self.friends(),
            Command::Requests => self.requests(),
            Command::Notices => self.notices(),
            Command::Broadcasts => self.broadcasts(),
            Command::Add { id, greeting } => self.add(id, greeting),
            Command::Accept(who) => self.accept(&who),
            Command::Refuse(who) => self.refuse(&who),
            Command::Withdraw(who) => self.withdraw(&who),
            Command::Unfriend(who) => self.unfriend(&who),
            Command::Remark { who, text } => self.edit_friend(&who, Some(text), None),
            Command::Label { who, label } => self.edit_friend(&who, None, Some(label)),
            Command::Relabel { label, to } => self.rename_label(label, to),
            Command::Block(who) => self.block(&who),
            Command::Unblock(who) => self.unblock(&who),
            Command::Blocked => self.blocked(),
            Command::Groups => self.groups(),
            Command::GroupCreate { name, description } => self.create_group(name, description),
            Command::GroupShow(group) => self.show_group(&group),
            Command::Rename { group, name } => self.edit_group(&group, |groupid| EditGroup {
                groupid,
                groupname: Some(name),
                ..EditGroup::default()
            }),
            Command::Announce { group, text } => self.edit_group(&group, |groupid| EditGroup {
                groupid,
                announcement: Some(text),
                ..EditGroup::default()
            }),
            Command::Remove { group, who } => self.remove(&group, &who),
            Command::SetRole { group, who, role } => self.set_role(&group, &who, role),
            Command::HandOver { group, who } => self.hand_over(&group, &who),
            Command::Dissolve(group) => self.dissolve(&group),
            Command::Mute { group, who, minutes } => self.mute(&group, who.as_ref(), minutes),
            Command::Join { group, greeting } => self.join(group, greeting),
            Command::Joining { group, joining } => self.edit_group(&group, |groupid| EditGroup {
                groupid,
                joining: Some(joining),
                ..EditGroup::default()
            }),
            Command::Applications(group) => self.applications(group.as_ref()),
            Command::Decide { group, who, verdict } => self.decide(&group, &who, verdict),
            Command::WithdrawApplication(group) => self.withdraw_application(group),
            Command::Invite { group, who } => self.invite(&group, &who),
            Command::WithdrawInvitation { group, who } => self.withdraw_invitation(&group, &who),
            Command::Invitations => self.invitations(),
            Command::Answer { group, verdict } => self.answer_invitation(&group, verdict),
            Command::Leave(group) => self.leave(&group),
            Command::Members(group) => self.members(&group),
            Command::Chat(None) => {
                self.shared.lock().roster.current = None;
                Ok(TalkingOutcome::Talking(None).into())
            }
            Command::Chat(Some(name)) => self.choose(&name),
            Command::Msg { to, text } => {
                let talk = self.shared.lock().roster.talk(&to).map_err(Failure::Senseless)?;
                self.say(talk, text, 0)
            }
            Command::Say(text) => self.say_to_current(text),
            Command::Reply { which, text } => self.reply(which, text),
            Command::Recall(which) => self.recall(which),
            Command::Correct { which, text } => self.correct(which, text),
            Command::Hide(those) => self.hide(those),
            Command::Conversations => self.conversations(),
            Command::History(count) => self.history(count),
            Command::HistoryAt { day, time, count } => self.history_at(day, time, count),
            Command::Find(text) => self.find(text),
            Command::FindAll(text) => self.find_all(text),
            Command::Wait { what, limit } => self.wait(&what, limit.unwrap_or(self.patience)),
            Command::Quit => Ok(Outcome::Quit),
        }
    }

    fn say_to_current(&mut self, text: String) -> Result<Outcome, Failure> {
        let current: Option<Talk> = self.shared.lock().roster.current;
        match current {
            Some(talk) => self.say(talk, text, 0),
            None => senseless("nobody to say it to; /chat NAME or /chat #GROUP chooses".to_owned()),
        }
    }

    /// Waits for the answer, on a terminal as long as the user wants to.
    fn answer(&self, request: Request) -> Result<Reply, Failure> {
        if self.manner == Manner::Script {
            return Ok(self.client.call(request)?);
        }
        let pending = self.client.submit(request)?;
        loop {
            if let Some(answer) = pending.wait_within(INTERRUPT_LOOK) {
                return Ok(answer?);
            }
            if self.shared.is_interrupted() {
                return Err(Failure::Interrupted);
            }
        }
    }

    /// Asks the server. The answer is of the request's type: the client library has looked.
    fn ask<T>(&self, request: Request, pick: fn(Reply) -> Option<T>) -> Result<T, Failure> {
        let name = request.msgid().name();
        let reply = self.answer(request)?;
        let why = || format!("the answer is a {}", name);
        pick(reply).ok_or_else(|| Failure::Call(ClientError::BadAnswer { request: name, why: why() }))
    }
}

/// How often it is looked whether the user gives up the command that waits for its answer.
const INTERRUPT_LOOK: Duration = Duration::from_millis(50);

fn senseless<T>(why: String) -> Result<T, Failure> {
    Err(Failure::Senseless(why))
}

/// Picks the body of one type of reply.
macro_rules! picks {
    ($variant:ident) => {
        |reply| match reply {
            client::protocol::Reply::$variant(body) => Some(body),
            _ => None,
        }
    };
}
use picks;
