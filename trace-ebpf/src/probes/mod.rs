//! What is recorded at each moment, one file per kernel subject. Each function takes plain arguments, whatever hook
//! they came by, writes one record, and returns 0.

pub mod helper;
pub mod load;
pub mod request;
pub mod task;
