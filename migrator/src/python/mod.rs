//! A project's own Alembic: found, started, listened to and ended. What it
//! applies, and whether that is right, is not known here.

mod child;
mod interpreter;
mod output;

pub(crate) use child::{Child, Ending};
pub(crate) use interpreter::{AlembicProgram, NotFound, SearchPaths};
pub(crate) use output::{Frame, Running, Traceback, running, traceback};
