//! What HISTORY gives each user in the end: read by the test itself, as one more device of each, while nothing is under way.

use std::{collections::BTreeMap, net::SocketAddr};

use protocol::{History, Nothing, Reply, Request};

use super::{
    checker::reaches,
    evidence::{Evidence, Held},
    town::{PASSWORD, Town},
};
use crate::{
    error::BenchError,
    load::{Session, unexpected},
};

/// User and conversation → what HISTORY gave, by seq.
pub(crate) type Histories = BTreeMap<(u64, u64), BTreeMap<u64, Held>>;

/// Reads all that every user may read of the conversations in which anybody hid something.
pub(crate) fn read(town: &Town, server: SocketAddr, evidence: &Evidence) -> Result<Histories, BenchError> {
    let hidden = evidence.log.hidden.values().flatten();
    let mut convs: Vec<u64> = hidden.map(|hidden| hidden.conv).collect();
    convs.sort_unstable();
    convs.dedup();
    let mut histories = Histories::new();
    for resident in &town.residents {
        let is_theirs = |conv: &u64| reaches(evidence, resident.id, *conv).iter().any(|it| it.end.is_none());
        let theirs: Vec<u64> = convs.iter().copied().filter(is_theirs).collect();
        if theirs.is_empty() {
            continue;
        }
        let mut session = Session::connect(server)?;
        session.log_in(&resident.name, PASSWORD)?;
        for conv in theirs {
            histories.insert((resident.id, conv), pages(&mut session, conv)?);
        }
        session.ask("LOGINOUT", &Request::LogOut(Nothing {}))?;
    }
    Ok(histories)
}

/// All pages of one conversation.
fn pages(session: &mut Session, conv: u64) -> Result<BTreeMap<u64, Held>, BenchError> {
    let mut messages = BTreeMap::new();
    let mut after = 0;
    loop {
        let ask = History { conv, after: Some(after), before: None, at: None, limit: 0 };
        let page = match session.ask("HISTORY", &Request::History(ask))? {
            Reply::History(page) => page,
            reply => return Err(unexpected("HISTORY", &reply)),
        };
        let Some(last) = page.messages.last() else { return Ok(messages) };
        after = last.seq;
        messages.extend(page.messages.iter().map(|message| (message.seq, Held::of(message))));
        if after >= page.last {
            return Ok(messages);
        }
    }
}
