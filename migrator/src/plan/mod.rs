//! Planning: pure functions of what the files and the history say.

pub mod baseline;
pub mod drift;
pub mod merged;
pub mod planner;
pub mod repair;
pub mod resume;
pub mod revert;
pub mod step;
