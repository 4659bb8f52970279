//! The protocol as others meet it: the golden vectors, the documentation, and whatever bytes a stranger sends.

mod docs;
mod hostile;
mod meaning;
mod roundtrip;
mod secrets;
mod strategies;
mod stream;
mod vectors;
