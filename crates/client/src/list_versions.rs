//! Which lists the application holds.

use protocol::SignedIn;

/// The versions of the lists that the application holds whole, of one user: [`Client::hold_lists`](crate::Client) says them
/// to the client, and a session that goes on is then not sent these lists again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListVersions {
    /// Whose lists they are.
    pub user: u64,
    /// Of the list of friends; none if it is not held whole.
    pub friends: Option<String>,
    /// Of the list of groups; none if it is not held whole.
    pub groups: Option<String>,
}

impl ListVersions {
    /// What of it holds still when a session is entered: a list that was sent instead is not held until the application says
    /// so, as it may have begun only.
    pub(crate) fn after(self, bundle: &SignedIn) -> Option<ListVersions> {
        (self.user == bundle.id).then(|| ListVersions {
            friends: self.friends.filter(|_| bundle.friends_unchanged),
            groups: self.groups.filter(|_| bundle.groups_unchanged),
            ..self
        })
    }
}
