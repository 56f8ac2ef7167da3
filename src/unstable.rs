//! What `duroxide-conformance` needs of the inside of this crate, and nobody
//! else: it is no part of the public API, and changes without notice. That crate
//! depends on exactly this version of this one.

pub mod call {
    use crate::call::Call;

    /// Whether the call fetches a turn or a job.
    pub fn is_fetch(call: &Call) -> bool {
        call.is_fetch()
    }
}

pub mod clock {
    pub use crate::clock::alone::run_alone;
    pub use crate::clock::stopwatch::Stopwatch;

    use crate::clock::Time;

    /// When virtual time begins unless somebody says otherwise.
    pub const START: Time = Time::START;
}

pub mod command {
    pub use crate::command::{here, quoted};
}

pub mod ddmin {
    pub use crate::ddmin::DeltaDebug;
}

pub mod progress {
    pub use crate::progress::Progress;
}

pub mod text {
    pub use crate::text::{Json, Line, Lines, line};
}

pub mod trace {
    pub use crate::trace::text::{Span, Tokens, item_text, quote, words};

    use crate::call::Reply;
    use crate::trace::Answer;

    /// A reply, as far as a trace keeps it.
    pub fn answer(reply: &Reply) -> Answer {
        crate::trace::answer(reply)
    }
}

/// What takes part in every run, and its version.
pub fn versions() -> std::collections::BTreeMap<&'static str, String> {
    crate::versions::versions()
}
