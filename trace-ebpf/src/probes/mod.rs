//! What is recorded at each moment, one file per kernel subject. Each function takes plain arguments, whatever hook
//! they came by, writes one record, and returns 0.

pub mod firmware;
pub mod helper;
pub mod load;
pub mod request;
pub mod suspend;
pub mod task;
