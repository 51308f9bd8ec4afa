//! Requests as text and JSON: one line per request, and a summary of a whole trace. Pure: from the model to strings.

pub mod cells;
pub mod cycles;
mod devices;
pub mod json;
pub mod line;
mod loads;
pub mod plain;
pub mod summary;
mod text;
pub mod wall;
pub mod who;
pub mod whole;
