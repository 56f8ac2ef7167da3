//! What the tests of this workspace need of the inside of this crate. It is no part of
//! the public API, and changes without notice.

pub use crate::check::{check_storage, replay};
pub use crate::concurrent::{check_concurrent, check_concurrent_tasks, replay_race};
pub use crate::drive::{Deviation, End, Observed, Run};
pub use crate::finding::{Line, Shown, Subject};
pub use crate::generate::script;
pub use crate::hunt::{Hunt, hunt};
pub use crate::linearize::{Broken, Linearity, Made, linearize};
pub use crate::minimise::{Budget, Minimal, minimise};
pub use crate::mismatch::{
    Aspect, Field, HistoryPart, JobPart, Mismatch, NamesPart, Part, StatusPart, TreePart, TurnPart,
};
pub use crate::race::{Program, ProgramError, Race, Round, ShownRace};
