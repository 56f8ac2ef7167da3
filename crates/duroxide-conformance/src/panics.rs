//! Catches panics of providers where a call is polled. They are described in
//! findings and not printed, because every shrunk script would print them
//! again.
//!
//! This module wraps the process's panic hook once; other panics are not
//! affected.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// The current panic on this thread; `None` while this thread does not
    /// catch panics.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Returns the result of `body` or, if it panics, the panic message.
pub(super) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !noted(info) {
                before(info);
            }
        }));
    });
    let outer = CAUGHT.with(|caught| caught.replace(Some(String::new())));
    let done = catch_unwind(AssertUnwindSafe(body));
    let said = CAUGHT.with(|caught| caught.replace(outer)).unwrap_or_default();
    done.map_err(|_| said)
}

/// Records a panic, if this thread catches panics.
fn noted(info: &PanicHookInfo<'_>) -> bool {
    CAUGHT.with(|caught| {
        let Ok(mut caught) = caught.try_borrow_mut() else { return false };
        let Some(said) = caught.as_mut() else { return false };
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("without a message");
        let place =
            info.location().map_or_else(String::new, |place| format!(" ({}:{})", file(place.file()), place.line()));
        *said = format!("{}{place}", text.lines().next().unwrap_or_default());
        true
    })
}

/// The informative end of a path, starting at the crate's folder.
fn file(path: &str) -> &str {
    let source = path.rfind("/src/").or_else(|| path.rfind("/library/"));
    let from = source.and_then(|at| path[..at].rfind('/')).map_or(0, |slash| slash + 1);
    &path[from..]
}
