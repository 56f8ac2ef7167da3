//! The methods about what the code under test logs.

use super::{Failure, Run, Sim};
use crate::logs::{LogLevel, RunLog};

impl Sim {
    /// Sets which lines of the test's own code are kept in the run's log ([`super::Run::log`],
    /// [`super::Failure::log`], [`super::Handle::log`]): those of this level and above, by default
    /// [`LogLevel::Info`], or none. These include the lines of `trace_info` and other methods of
    /// duroxide's contexts.
    ///
    /// ```
    /// use duroxide_sim::Sim;
    /// use duroxide_sim::logs::LogLevel;
    ///
    /// # fn body() {}
    /// let run = Sim::new(1).log_level(LogLevel::Debug).try_run(|sim| async move {
    ///     sim.sleep(std::time::Duration::from_secs(90)).await;
    ///     tracing::debug!(order = 7, "nothing to do");
    /// });
    /// let log = run.unwrap_or_else(|failure| panic!("{failure}")).observed.log;
    /// assert!(log.lines[0].to_string().starts_with("+1:30.000 DEBUG"));
    /// assert!(log.lines[0].to_string().ends_with(": nothing to do order=7"));
    /// ```
    pub fn log_level(mut self, level: impl Into<Option<LogLevel>>) -> Sim {
        self.levels.others = level.into();
        self
    }

    /// Sets which of duroxide's own lines are kept in the run's log: those of this level and
    /// above, by default [`LogLevel::Warn`], or none.
    pub fn duroxide_log_level(mut self, level: impl Into<Option<LogLevel>>) -> Sim {
        self.levels.duroxide = level.into();
        self
    }

    /// Prints duroxide's log lines, which are not printed unless `RUST_LOG` is set or the test
    /// has a subscriber of its own. Their timestamps are virtual. The run's log has them in any
    /// case ([`Sim::duroxide_log_level`]).
    ///
    /// A subscriber that the test has set, for the thread that calls [`Sim::run`] or for the
    /// process, receives all lines and spans as its filter allows. Only a subscriber with exactly
    /// the filter that duroxide's runtimes set by default,
    /// `warn,duroxide::orchestration=info,duroxide::activity=info`, is taken for theirs, and
    /// receives lines only after this method.
    pub fn with_logs(mut self) -> Sim {
        self.logs = true;
        self
    }
}

impl<T> Run<T> {
    /// Returns what the code of the run logged.
    pub fn log(&self) -> &RunLog {
        &self.observed.log
    }
}

impl Failure {
    /// Returns what the code of the run logged.
    pub fn log(&self) -> &RunLog {
        &self.observed.log
    }
}
