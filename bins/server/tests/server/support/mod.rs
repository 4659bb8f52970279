//! What the tests stand on: the real server as a process, on either store, and raw protocol connections to it.

mod admin;
pub(crate) mod heavy;
mod operator;
mod peer;
mod people;
mod random;
mod server;
mod store;

pub(crate) use admin::{ask, try_ask};
pub(crate) use operator::{TOKEN, order, secret_file, token_file};
pub(crate) use peer::{DEADLINE, Peer, raw_frame};
pub(crate) use people::{
    PASSWORD, Witnesses, befriend, chat, friends, group_chat, guest_from, hello, log_in, register, user,
};
pub(crate) use random::Random;
pub(crate) use server::{Options, Server};
pub(crate) use store::{Store, on_each_store};
