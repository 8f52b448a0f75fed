//! Detection: from what is stored of a host to incidents, and what people are told of them. No SQL,
//! no HTTP and no clock, so that the server and the evaluation run the same code.

pub mod lifecycle;
