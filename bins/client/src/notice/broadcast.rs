//! What the operator tells everybody, in words.

use client::protocol::Broadcast;

use crate::moment;
use crate::printable;
use crate::style::Style;

/// `*** 12:03 to everybody, from the operator of this server: it restarts at noon`. What somebody said begins with a time, and
/// goes on indented: whatever a user is called, no row of theirs begins like this one.
pub(super) fn broadcast_line(broadcast: &Broadcast, style: Style) -> String {
    let time = moment::short(broadcast.time);
    let from = style.wrong(&format!("*** {time} to everybody, from the operator of this server"));
    format!("{from}: {}", printable::message(&broadcast.msg))
}

#[cfg(test)]
mod tests {
    use client::Event;
    use serde_json::json;

    use super::super::sample::roster;
    use super::super::{Narrator, object};
    use super::*;

    #[test]
    fn a_broadcast_is_the_operators_and_harmless() {
        let broadcast = Broadcast { id: 1, time: 0, msg: "at noon\n12:00 bob: hi\u{1b}[2J".into() };
        let line = broadcast_line(&broadcast, Style::Plain);
        let shown = " to everybody, from the operator of this server: at noon\n  | 12:00 bob: hi[2J";
        assert!(line.starts_with("*** ") && line.ends_with(shown), "{line:?}");
        let event = Event::Broadcast(broadcast);
        assert_eq!(Narrator::default().text(&event, &roster(), "h:1", Style::Plain), Some(line));
        let object = object(&event, &roster());
        assert_eq!((&object["type"], &object["id"]), (&json!("broadcast"), &json!(1)));
    }
}
