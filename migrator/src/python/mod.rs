//! A project's own Alembic: found, started, listened to and ended. What it
//! applies, and whether that is right, is not known here.

mod child;
mod interpreter;
mod output;

pub(crate) use child::{Child, Ending};
pub(crate) use interpreter::{Alembic, NotFound, Places};
pub(crate) use output::{Essence, Frame, Running, essence, running};
