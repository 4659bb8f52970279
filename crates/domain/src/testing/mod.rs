//! In-memory fakes of the ports, and the conformance suite of the stores.
