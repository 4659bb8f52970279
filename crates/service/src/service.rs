//! The service: what the gateway calls.

use std::sync::{Arc, OnceLock};

use domain::{Clock, Entropy, Epoch, GroupId, HistoryCache, PasswordHasher, Presence, Store, StoreResult};
use protocol::limits::{PAGE_MAX, TEXT_BYTES_MAX};
use protocol::{Code, Refusal, Reply, Request};

use crate::applicants::{APPLICANTS_MAX, Applicants};
use crate::batch::{Batch, Pending};
use crate::broadcasts::{self, Broadcasts};
use crate::caller::{Caller, ConnKey, Principal};
use crate::config::ServiceConfig;
use crate::cursors::{self, Cursors};
use crate::deletion::{self, DeletionSnapshot, Deletions};
use crate::directory::Directory;
use crate::friends::{self, Friendships, Relations};
use crate::group_ask::GroupAsk;
use crate::groups::{self, Rosters};
use crate::hub::Hub;
use crate::in_doubt::{self, DoubtSnapshot, InDoubt};
use crate::indexer::{self, Backlog, IndexSnapshot, Indexer};
use crate::last_seen::LastSeen;
use crate::limits::{LimitSnapshot, Limits};
use crate::moves::Moves;
use crate::notice::{self, Notice};
use crate::presence::Doors;
use crate::profiles::{self, Profiles};
use crate::receipts::{self, ReceiptSnapshot, Receipts};
use crate::recent_history::{HistorySnapshot, RecentHistory};
use crate::recovery::Delays;
use crate::refuse::{Stop, Trouble};
use crate::roster::Roster;
use crate::seen::Seen;
use crate::sessions::{self, Ended};
use crate::storing::Storing;
use crate::told::Told;
use crate::unsettled::Unsettled;
use crate::upkeep::{self, Upkeep};
use crate::versioned_cache::{Capacity, VersionedCache};
use crate::{
    accounts, blocks, changes, chat, friend_notes, group_asks, group_requests, hidden, history,
    message_change, message_search, personal_notices, quiet, recovery, search, typing,
};

/// The ports that the service works on.
#[derive(Clone)]
pub struct Ports {
    /// Users, sessions, friends, groups, messages.
    pub store: Arc<dyn Store>,
    /// The newest messages of active conversations.
    pub history: Arc<dyn HistoryCache>,
    /// Who is connected.
    pub presence: Arc<dyn Presence>,
    /// This node's connections.
    pub hub: Arc<dyn Hub>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Tokens.
    pub entropy: Arc<dyn Entropy>,
    /// Password hashes.
    pub hasher: Arc<dyn PasswordHasher>,
}

/// What the gateway does with a handled request.
#[derive(Debug)]
pub enum Handled {
    /// Answer.
    Reply(Reply),
    /// The connection speaks for this principal from now on; then answer.
    SignedIn(Principal, Reply),
    /// The connection speaks for nobody from now on; then answer.
    SignedOut(Reply),
    /// Give it to the appender of its conversation, which answers.
    Append(Pending),
}

/// The business rules. One per node, shared by all workers; it holds caches but no truth.
pub struct Service {
    pub(crate) ports: Ports,
    pub(crate) config: ServiceConfig,
    pub(crate) directory: Directory,
    pub(crate) friendships: Friendships,
    pub(crate) relations: Relations,
    pub(crate) applicants: Applicants,
    pub(crate) profiles: Profiles,
    pub(crate) rosters: Rosters,
    pub(crate) cursors: Cursors,
    pub(crate) receipts: Receipts,
    pub(crate) seen: Seen,
    pub(crate) last_seen: LastSeen,
    pub(crate) ended: Ended,
    pub(crate) moves: Moves,
    pub(crate) doors: Doors,
    pub(crate) told: Told,
    pub(crate) unsettled: Unsettled,
    pub(crate) upkeep: Upkeep,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) indexer: Indexer,
    pub(crate) limits: Limits,
    pub(crate) recoveries: Delays,
    pub(crate) deletions: Deletions,
    pub(crate) trouble: Trouble,
    pub(crate) storing: Storing,
    pub(crate) in_doubt: InDoubt,
    pub(crate) recent: RecentHistory,
    /// Which log this is, once it was read: it does not change while a node runs.
    epoch: OnceLock<Epoch>,
}

impl Service {
    /// A service over these ports. Pages are never longer than the protocol allows, whatever `config` says.
    pub fn new(ports: Ports, mut config: ServiceConfig) -> Service {
        config.page_max = config.page_max.clamp(1, PAGE_MAX);
        config.bundle_page_max = config.bundle_page_max.clamp(1, PAGE_MAX);
        config.text_bytes_max = config.text_bytes_max.clamp(1, TEXT_BYTES_MAX);
        config.sessions_per_user_max = config.sessions_per_user_max.max(1);
        let rosters = Capacity {
            weight: config.roster_cache_members_max,
            heaviest: Roster::weight_of(u64::from(config.groups.members)),
        };
        Service {
            directory: Directory::new(config.user_cache_max),
            friendships: VersionedCache::of_values(config.friendship_cache_max),
            relations: VersionedCache::of_values(config.friendship_cache_max),
            applicants: VersionedCache::of_values(APPLICANTS_MAX),
            profiles: VersionedCache::of_values(config.profile_cache_max),
            rosters: VersionedCache::weighed(rosters, |roster| roster.weight()),
            cursors: Cursors::new(config.cursors_waiting_max, config.reader_cache_max),
            receipts: Receipts::new(config.reader_cache_max),
            seen: Seen::new(),
            last_seen: LastSeen::new(),
            ended: Ended::default(),
            moves: Moves::new(&*ports.entropy),
            doors: Doors::new(),
            told: Told::new(),
            unsettled: Unsettled::new(),
            upkeep: Upkeep::default(),
            broadcasts: Broadcasts::new(),
            indexer: Indexer::new(),
            limits: Limits::new(&config.rates),
            recoveries: Delays::default(),
            deletions: Deletions::default(),
            trouble: Trouble::default(),
            storing: Storing::default(),
            in_doubt: InDoubt::default(),
            recent: RecentHistory::default(),
            epoch: OnceLock::new(),
            ports,
            config,
        }
    }

    /// Runs a request whose route's access rule the gateway has checked. Blocks as long as the stores do.
    ///
    /// Every request gets exactly one answer: this result, or for [`Handled::Append`] the
    /// [`Delivery`](crate::Delivery). A request of [`Lane::Append`](crate::Lane::Append) may also be answered at once, by
    /// [`Handled::Reply`]: a repeat of a message that its sender may not send any more. After [`Handled::SignedIn`] the hub knows the connection already, so that a push
    /// may overtake the reply; if the connection is gone by then, the gateway calls [`Service::disconnected`].
    ///
    /// A session that another device ends loses its connection at once, by [`Hub::close_session`]. What remains is the
    /// window of one request: the one that a worker runs at that moment is still done, and a message that was checked
    /// before is still stored.
    pub fn handle(&self, caller: Caller<'_>, rid: u32, request: Request) -> Result<Handled, Refusal> {
        self.take_turn(caller)?;
        let other = in_doubt::other(&request);
        self.dispatch(caller, rid, request).map_err(|stop| {
            if let Some(principal) = caller.principal {
                in_doubt::judge(self, principal.user, other, &stop);
            }
            self.refusal(stop)
        })
    }

    /// Stores a batch in one transaction and gives answers and messages to the hub. On success the batch is empty. On
    /// failure it holds what is not answered, and may be appended again: a message that was stored after all is then a
    /// repeat. That is everything, unless all is stored and the store cannot say for whom: then the messages of groups
    /// whose members are unknown remain, for nothing is pushed to who may have left, and the others are answered.
    ///
    /// Called by one appender at a time for each conversation, so that its messages are delivered in their order.
    pub fn append(&self, batch: &mut Batch) -> StoreResult<()> {
        chat::append(self, batch).inspect_err(|_| self.storing.doubt())
    }

    /// Answers every message of a batch that could not be stored with BUSY, and empties it.
    pub fn refuse(&self, batch: &mut Batch) {
        chat::refuse(self, batch);
    }

    /// A connection of this principal is gone, without having logged out.
    pub fn disconnected(&self, conn: ConnKey, principal: &Principal) {
        sessions::disconnected(self, conn, principal);
    }

    /// The service of another node told this. May block as long as store and presence port do.
    pub fn heard(&self, notice: Notice) {
        notice::heard(self, notice);
    }

    /// Whether the store takes changes, as far as is known: no, from the tick after something failed until one after which it
    /// takes them again.
    pub fn takes_changes(&self) -> bool {
        self.storing.is_going_on()
    }

    /// What became of changes of which the store did not say whether it made them.
    pub fn doubt_snapshot(&self) -> DoubtSnapshot {
        self.in_doubt.snapshot()
    }

    /// The limits that the service works with.
    pub fn config(&self) -> &ServiceConfig {
        &self.config
    }

    /// What each limit on the rate of requests did, and what it holds.
    pub fn limit_snapshots(&self) -> Vec<LimitSnapshot> {
        self.limits.snapshot()
    }

    /// Addresses that have to wait with recovery codes, or had to.
    pub fn waiting_recoverers(&self) -> usize {
        self.recoveries.len()
    }

    /// What this node did about deleted accounts.
    pub fn deletion_snapshot(&self) -> DeletionSnapshot {
        self.deletions.snapshot()
    }

    /// Takes what was said into the index of words, as far as that is done at once. Called several times a second by one
    /// thread.
    pub fn index(&self) -> Backlog {
        indexer::run(self)
    }

    /// How far the index of words is.
    pub fn index_snapshot(&self) -> IndexSnapshot {
        self.indexer.snapshot()
    }

    /// Where pages of history came from.
    pub fn history_snapshot(&self) -> HistorySnapshot {
        self.recent.snapshot()
    }

    /// Wall time in Unix milliseconds, as clients are told it.
    pub fn now_ms(&self) -> u64 {
        self.ports.clock.now().0
    }

    /// What receipts did, and how many wait.
    pub fn receipts(&self) -> ReceiptSnapshot {
        self.receipts.snapshot()
    }

    /// Tells how far users got since the last call. Called a few times a second by one thread: each call tells at most one
    /// receipt of each user and conversation.
    pub fn tell_receipts(&self) {
        receipts::tell_all(self);
    }

    /// Stores what is written behind, and cleans up. Called about once a second by one thread, and once at the end.
    ///
    /// Returns changes that nobody asked for, a bounded number: they are to be given to the appenders of their conversations
    /// in this order. What has no room there may be dropped: a later tick finds what is still to be done.
    pub fn tick(&self) -> Vec<Pending> {
        upkeep::tick(self)
    }

    /// Which log this is.
    pub(crate) fn epoch(&self) -> StoreResult<Epoch> {
        if let Some(epoch) = self.epoch.get() {
            return Ok(*epoch);
        }
        let epoch = self.ports.store.epoch()?;
        Ok(*self.epoch.get_or_init(|| epoch))
    }

    fn dispatch(&self, caller: Caller<'_>, rid: u32, request: Request) -> Result<Handled, Stop> {
        let asked = |group| -> Result<GroupAsk<'_>, Stop> {
            Ok(GroupAsk { service: self, me: caller.me()?, rid, group: GroupId(group) })
        };
        let reply = match request {
            // The gateway answers these where it reads them.
            Request::Hello(_) => return Err(Stop::refused(Code::HELLO_FIRST)),
            Request::Ping(_) => return Err(Stop::refused(Code::NOT_ALLOWED)),

            Request::Reg(r) => Reply::Reg(accounts::register(self, caller.guest()?, &r)?),
            Request::Login(r) => return accounts::log_in(self, caller.guest()?, &r),
            Request::Resume(r) => return sessions::resume(self, caller.guest()?, &r),
            Request::Refresh(r) => Reply::Refresh(sessions::refresh(self, caller.me()?, &r)?),
            Request::LogOut(_) => return sessions::log_out(self, caller.me()?),
            Request::ChangePassword(r) => {
                Reply::ChangePassword(accounts::change_password(self, caller.me()?, &r)?)
            }
            Request::Recover(r) => Reply::Recover(recovery::recover(self, caller.guest()?, &r)?),
            Request::NewRecoveryCodes(r) => {
                Reply::NewRecoveryCodes(recovery::new_codes(self, caller.me()?, &r)?)
            }
            Request::DeleteAccount(r) => return deletion::delete(self, caller.me()?, &r),
            Request::Sessions(_) => Reply::Sessions(sessions::list(self, caller.me()?)?),
            Request::EndSession(r) => return sessions::end(self, caller.me()?, &r),

            Request::Profile(r) => Reply::Profile(profiles::look(self, caller.me()?, &r)?),
            Request::SearchUsers(r) => Reply::SearchUsers(search::users(self, caller.me()?, &r)?),
            Request::EditProfile(r) => Reply::EditProfile(profiles::edit(self, caller.me()?, &r)?),

            Request::AddFriend(r) => Reply::AddFriend(friends::request(self, caller.me()?, &r)?),
            Request::AcceptFriend(r) => Reply::AcceptFriend(friends::accept(self, caller.me()?, &r)?),
            Request::RefuseFriend(r) => Reply::RefuseFriend(friends::refuse(self, caller.me()?, &r)?),
            Request::WithdrawFriend(r) => Reply::WithdrawFriend(friends::withdraw(self, caller.me()?, &r)?),
            Request::DeleteFriend(r) => Reply::DeleteFriend(friends::delete(self, caller.me()?, &r)?),
            Request::EditFriend(r) => Reply::EditFriend(friend_notes::edit(self, caller.me()?, &r)?),
            Request::RenameLabel(r) => {
                Reply::RenameLabel(friend_notes::rename_label(self, caller.me()?, &r)?)
            }
            Request::Friends(r) => Reply::Friends(friends::page(self, caller.me()?, &r)?),
            Request::FriendRequests(r) => {
                Reply::FriendRequests(friends::requests_page(self, caller.me()?, &r)?)
            }

            Request::Block(r) => Reply::Block(blocks::block(self, caller.me()?, &r)?),
            Request::Unblock(r) => Reply::Unblock(blocks::unblock(self, caller.me()?, &r)?),
            Request::Blocked(r) => Reply::Blocked(blocks::page(self, caller.me()?, &r)?),

            Request::CreateGroup(r) => Reply::CreateGroup(groups::create(self, caller.me()?, &r)?),
            Request::JoinGroup(r) => return group_requests::join(asked(r.groupid)?, r),
            Request::LeaveGroup(r) => return group_asks::leave(asked(r.groupid)?),
            Request::RemoveMember(r) => return group_asks::remove(asked(r.groupid)?, &r),
            Request::SetRole(r) => return group_asks::set_role(asked(r.groupid)?, &r),
            Request::HandOver(r) => return group_asks::hand_over(asked(r.groupid)?, &r),
            Request::DissolveGroup(r) => return group_asks::dissolve(asked(r.groupid)?),
            Request::EditGroup(r) => return group_asks::edit(asked(r.groupid)?, r),
            Request::MuteMember(r) => return group_asks::mute(asked(r.groupid)?, &r),
            Request::MuteGroup(r) => return group_asks::mute_all(asked(r.groupid)?, &r),
            Request::Applications(r) => {
                Reply::Applications(group_requests::applications(self, caller.me()?, &r)?)
            }
            Request::DecideApplication(r) => return group_requests::decide(asked(r.groupid)?, &r),
            Request::WithdrawApplication(r) => {
                return group_requests::withdraw_application(asked(r.groupid)?);
            }
            Request::Invite(r) => return group_requests::invite(asked(r.groupid)?, &r),
            Request::Invitations(r) => {
                Reply::Invitations(group_requests::invitations(self, caller.me()?, &r)?)
            }
            Request::AnswerInvitation(r) => return group_requests::answer(asked(r.groupid)?, &r),
            Request::WithdrawInvitation(r) => {
                return group_requests::withdraw_invitation(asked(r.groupid)?, &r);
            }
            Request::GroupProfile(r) => Reply::GroupProfile(groups::profile(self, caller.me()?, &r)?),
            Request::Groups(r) => Reply::Groups(groups::page(self, caller.me()?, &r)?),
            Request::GroupMembers(r) => Reply::GroupMembers(groups::members_page(self, caller.me()?, &r)?),

            Request::SearchMessages(r) => {
                Reply::SearchMessages(message_search::page(self, caller.me()?, &r)?)
            }
            Request::OneChat(r) => return chat::to_friend(self, caller.me()?, rid, r),
            Request::GroupChat(r) => return chat::to_group(self, caller.me()?, rid, r),
            Request::History(r) => Reply::History(history::page(self, caller.me()?, &r)?),
            Request::Conversations(r) => {
                Reply::Conversations(cursors::conversations(self, caller.me()?, &r)?)
            }
            Request::Recall(r) => return message_change::recall(self, caller.me()?, rid, &r),
            Request::EditMessage(r) => return message_change::edit(self, caller.me()?, rid, r),
            Request::Typing(r) => Reply::Typing(typing::tell(self, caller.me()?, &r)?),
            Request::Hide(r) => Reply::Hide(hidden::hide(self, caller.me()?, &r)?),
            Request::Hidden(r) => Reply::Hidden(hidden::page(self, caller.me()?, &r)?),
            Request::Changes(r) => Reply::Changes(changes::page(self, caller.me()?, &r)?),
            Request::Ack(r) => Reply::Ack(cursors::acknowledge(self, caller.me()?, &r)?),
            Request::Read(r) => Reply::Read(cursors::read(self, caller.me()?, &r)?),
            Request::Quiet(_) => Reply::Quiet(quiet::list(self, caller.me()?)?),
            Request::SetQuiet(r) => Reply::SetQuiet(quiet::set(self, caller.me()?, &r)?),
            Request::Receipts(r) => Reply::Receipts(receipts::list(self, caller.me()?, &r)?),

            Request::Notices(r) => Reply::Notices(personal_notices::page(self, caller.me()?, &r)?),
            Request::AckNotices(r) => {
                Reply::AckNotices(personal_notices::acknowledge(self, caller.me()?, &r)?)
            }
            Request::Broadcasts(r) => Reply::Broadcasts(broadcasts::page(self, caller.me()?, &r)?),
            Request::AckBroadcasts(r) => {
                Reply::AckBroadcasts(broadcasts::acknowledge(self, caller.me()?, &r)?)
            }
        };
        Ok(Handled::Reply(reply))
    }
}
