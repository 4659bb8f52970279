//! What became of a group, as its conversation tells it.

use serde::{Deserialize, Serialize};

use crate::reply::{Joining, Role};
use crate::request::is_zero;
use crate::word::words;

words! {
    /// What became of a group.
    SystemEventKind else Unknown {
        /// `by` came in; with `id`: `by` let `id` in.
        Joined = "joined",
        /// `by` left.
        Left = "left",
        /// `by` put `id` out.
        Removed = "removed",
        /// `by` gave `id` the role `role`.
        Role = "role",
        /// `by` made `id` the owner.
        HandedOver = "handed_over",
        /// `by` closed the group for good: nothing follows.
        Dissolved = "dissolved",
        /// `by` changed what the group says of itself: the fields that are there.
        Edited = "edited",
        /// `by` silenced `id` until `until`; 0: they may speak again.
        Muted = "muted",
        /// `by` silenced all members until `until`; 0: they may speak again.
        AllMuted = "all_muted",
        /// A newer server invented it: show the message's text.
        Unknown = "unknown",
    }
}

/// A change of a group, in a message of the kind `system`. Names are as they were then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemEvent {
    /// What happened.
    pub what: SystemEventKind,
    /// Who did it.
    pub by: u64,
    /// Their name.
    pub by_name: String,
    /// Whom it concerns beside them; 0 for nobody.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub id: u64,
    /// That user's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The new role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The end of a muting, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groupname: Option<String>,
    /// The new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groupdesc: Option<String>,
    /// The new announcement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
    /// The new picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// How one comes in from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joining: Option<Joining>,
}

impl SystemEvent {
    /// An event that concerns nobody else and changes no field.
    pub fn new(what: SystemEventKind, by: u64, by_name: impl Into<String>) -> SystemEvent {
        SystemEvent {
            what,
            by,
            by_name: by_name.into(),
            id: 0,
            name: String::new(),
            role: None,
            until: None,
            groupname: None,
            groupdesc: None,
            announcement: None,
            avatar: None,
            joining: None,
        }
    }

    /// The form in which it is stored.
    pub fn to_json(&self) -> String {
        // Texts and numbers only: there is nothing that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what was stored; `None` if this version cannot.
    pub fn from_json(json: &str) -> Option<SystemEvent> {
        serde_json::from_str(json).ok()
    }

    /// One sentence for clients that do not know the event.
    pub fn sentence(&self) -> String {
        let (by, name) = (&self.by_name, &self.name);
        match self.what {
            SystemEventKind::Joined if self.id != 0 => format!("{by} let {name} into the group"),
            SystemEventKind::Joined => format!("{by} joined the group"),
            SystemEventKind::Left => format!("{by} left the group"),
            SystemEventKind::Removed => format!("{by} removed {name}"),
            SystemEventKind::Role if self.role == Some(Role::Admin) => format!("{by} made {name} an admin"),
            SystemEventKind::Role => format!("{by} made {name} a member again"),
            SystemEventKind::HandedOver => format!("{by} handed the group over to {name}"),
            SystemEventKind::Dissolved => format!("{by} dissolved the group"),
            SystemEventKind::Edited => match (&self.groupname, &self.announcement) {
                (Some(groupname), _) => format!("{by} named the group {groupname}"),
                (None, Some(announcement)) if !announcement.is_empty() => {
                    format!("{by} announced: {announcement}")
                }
                _ => format!("{by} changed the group's profile"),
            },
            SystemEventKind::Muted if self.until == Some(0) => format!("{by} let {name} speak again"),
            SystemEventKind::Muted => format!("{by} muted {name}"),
            SystemEventKind::AllMuted if self.until == Some(0) => format!("{by} let everybody speak again"),
            SystemEventKind::AllMuted => format!("{by} muted all members"),
            SystemEventKind::Unknown => "something changed in this group".to_owned(),
        }
    }
}
