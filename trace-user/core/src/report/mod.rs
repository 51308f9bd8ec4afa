//! Requests as text and JSON: one line per request, and a report of a whole trace or of one thing in it. Pure: from the
//! model to strings.

pub mod alike;
pub mod cells;
pub mod coverage;
mod crowds;
pub mod cycles;
mod devices;
pub mod document;
mod failures;
mod helpers;
pub mod html;
pub mod json;
pub mod line;
mod loads;
pub mod markdown;
pub mod modules;
pub mod one;
pub mod page;
pub mod plain;
mod requesters;
pub mod slowest;
pub mod summary;
mod text;
pub mod timeline;
pub mod times;
pub mod wall;
pub mod who;
pub mod whole;
