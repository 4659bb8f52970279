//! Why a command was not done.

use client::ClientError;
use client::protocol::Refusal;
use serde_json::{Value, json};

use crate::command::UsageError;
use crate::exit::Exit;
use crate::refusal::sentence;

/// A command was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(#[from] UsageError),
    /// The server said no; `why` is it in words for people.
    #[error("{why}")]
    Refused { refusal: Refusal, why: String },
    /// There is no answer, or none that can be read.
    #[error("{0}")]
    Call(ClientError),
    /// It makes no sense here and now; nothing was asked of the server.
    #[error("{0}")]
    Senseless(String),
    #[error("{0} did not come within {1} s")]
    WaitedInVain(String, u64),
    /// The user did not want to wait for it.
    #[error("given up; if the server knows of it already, it is done all the same")]
    Interrupted,
    /// There is a session to go on with, and another client does.
    #[error("{0}; without that session a password is needed")]
    InUse(String),
    #[error("no connection to {0}")]
    NoConnection(String),
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        match error {
            ClientError::Refused(refusal) => Failure::Refused { why: sentence(&refusal), refusal },
            error => Failure::Call(error),
        }
    }
}

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) => Exit::Usage,
            Failure::Refused { .. } | Failure::Senseless(_) | Failure::Interrupted => Exit::Refused,
            Failure::WaitedInVain(..) => Exit::WaitedInVain,
            Failure::NoConnection(_) => Exit::NoConnection,
            Failure::InUse(_) => Exit::InUse,
            Failure::Call(error) => match error {
                ClientError::ConnectionLost { .. } | ClientError::TimedOut { .. } | ClientError::Closed => {
                    Exit::NoConnection
                }
                ClientError::Refused(_)
                | ClientError::SessionEnded
                | ClientError::QueueFull
                | ClientError::TooLarge { .. }
                | ClientError::NotForCallers(_)
                | ClientError::BadAnswer { .. } => Exit::Refused,
            },
        }
    }

    /// The object for a failure.
    pub(crate) fn object(&self, command: &str) -> Value {
        match self {
            Failure::Refused { refusal, why } => {
                let mut object = json!({
                    "type": "refused",
                    "command": command,
                    "code": refusal.code.0,
                    "name": refusal.code.name(),
                    "message": why,
                });
                if let Some(ms) = refusal.body.retry_after_ms {
                    object["retry_after_ms"] = ms.into();
                }
                if let Some(field) = &refusal.body.field {
                    object["field"] = field.as_str().into();
                }
                object
            }
            _ => {
                json!({ "type": "failed", "command": command, "message": self.to_string(), "exit": self.exit() as u8 })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_choose_the_exit_code() {
        let refused = Refusal::new(client::protocol::Code::NOT_FRIENDS);
        let failure = Failure::from(ClientError::Refused(refused));
        assert_eq!(failure.exit(), Exit::Refused);
        let object = failure.object("/msg bob hi");
        assert_eq!(
            (&object["type"], &object["code"], &object["name"]),
            (&json!("refused"), &json!(303), &json!("NOT_FRIENDS"))
        );
        assert_eq!(Failure::NoConnection("h:1".into()).exit(), Exit::NoConnection);
    }
}
