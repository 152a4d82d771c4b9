//! The words about platforms.

use crate::config::Origin;
use crate::diagnostic::Diagnostic;
use crate::platforms::TooLong;
use humantime::format_duration;

pub(super) fn too_long(error: &TooLong) -> Diagnostic {
    let TooLong {
        platform,
        limit,
        deadline,
        fits,
        origin,
    } = error;
    let place = origin.as_ref().and_then(Origin::place);
    Diagnostic::error(
        "deadline_too_long",
        format!(
            "the deadline of {} is too long: {platform} ends a run after {}",
            format_duration(*deadline),
            format_duration(*limit)
        ),
    )
    .at(place, "here")
    .note(
        "the run needs a little longer than its deadline, to cancel and to report what was changed",
    )
    .help(format!(
        "set --deadline to {} or less",
        format_duration(*fits).to_string().replace(' ', "")
    ))
}
