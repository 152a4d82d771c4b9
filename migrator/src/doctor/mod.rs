//! What would fail or harm a deploy, found before it: pure judgements of facts
//! that others have read. Each is a [`Finding`]: what, why it bites, and how to
//! mend it.

pub(crate) mod finding;
pub(crate) mod sources;
