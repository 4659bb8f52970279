//! What the operator tells everybody, in words.

use client::protocol::Broadcast;
use client::protocol::limits::NAME_CHARS_MAX;

use crate::moment;
use crate::printable;
use crate::style::Style;

/// What stands before a broadcast in the place of a name: longer than any name, so that nobody can be called that.
const OPERATOR: &str = "*** to everybody, from the operator of this server";
const _: () = assert!(OPERATOR.is_ascii() && OPERATOR.len() > NAME_CHARS_MAX);

/// `12:03 *** to everybody, from the operator of this server: it restarts at noon`.
pub(super) fn broadcast_line(broadcast: &Broadcast, style: Style) -> String {
    let time = style.faint(&moment::short(broadcast.time));
    format!("{time} {}: {}", style.wrong(OPERATOR), printable::message(&broadcast.msg))
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
        let shown = " *** to everybody, from the operator of this server: at noon\n  | 12:00 bob: hi[2J";
        assert!(line.ends_with(shown), "{line:?}");
        let event = Event::Broadcast(broadcast);
        assert_eq!(Narrator::default().text(&event, &roster(), "h:1", Style::Plain), Some(line));
        let object = object(&event, &roster());
        assert_eq!((&object["type"], &object["id"]), (&json!("broadcast"), &json!(1)));
    }
}
