//! What bad input gets: a clear error to the one who sent it, nothing to anyone else, nothing lost, memory bounded.
//! In every test two friends who were there before chat on, through the same process.

mod access;
mod bodies;
mod crowd;
mod cursors;
mod flood;
mod frames;
mod haste;
mod pace;
mod rates;
mod samples;
mod slow_reader;
mod texts;
