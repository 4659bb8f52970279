//! Drawing somebody's attention to a terminal they do not look at: its bell, and its title.

use crate::roster::Roster;

/// Keeps the terminal's own title, to give it back at the end (xterm, and most that learned from it).
pub(crate) const KEEP_TITLE: &str = "\x1b[22;0t";

/// Gives it back.
pub(crate) const RETURN_TITLE: &str = "\x1b[23;0t";

/// Rings.
pub(crate) const BELL: &str = "\x07";

/// Whether a terminal is drawn attention to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notify {
    On,
    /// Its user does not want it, or it is too simple for it.
    Off,
}

/// The sequence that sets the title: who is here, how much is unread, and who is writing in the open conversation. Names on the server are without control
/// characters, and cleaned again here.
pub(crate) fn title(roster: &Roster) -> String {
    let name = roster.me.as_ref().map_or("", |me| me.name.as_str());
    let name = crate::printable::name(name);
    let title = match (roster.conversations.all_unread(), name.as_ref()) {
        (_, "") => "chat".to_owned(),
        (0, name) => format!("chat: {name}"),
        (unread, name) => format!("({unread}) chat: {name}"),
    };
    let typing = roster.typing_here().map(|typing| typing + " - ").unwrap_or_default();
    format!("\x1b]0;{typing}{title}\x07")
}
