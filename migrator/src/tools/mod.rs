//! Programs that apply a project's migrations themselves: how they are asked, what
//! they are told to do, and what came of it.

pub(crate) mod alembic;
