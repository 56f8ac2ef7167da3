//! Single read calls, and writes that need no lock.

use duroxide_sim::call::Call;

use super::draft::Draft;

impl Draft {
    /// One of the calls that read histories.
    pub fn read_history(&mut self) {
        let (instance, execution) = (self.some_instance(), self.execution());
        let call = match self.random.below(5) {
            0 => Call::Read { instance },
            1 => Call::ReadWithExecution { instance, execution },
            2 => Call::ReadHistory { instance },
            3 => Call::ReadHistoryWithExecutionId { instance, execution },
            _ => Call::LatestExecutionId { instance },
        };
        self.call(call);
    }

    /// An absolute execution number.
    fn execution(&mut self) -> u64 {
        if self.random.one_in(8) { self.number(6) } else { self.number(3).saturating_add(1) }
    }

    pub fn read_status(&mut self) {
        let instance = self.some_instance();
        let last_seen_version = if self.random.one_in(12) { u64::MAX } else { self.number(4) };
        self.call(Call::GetCustomStatus { instance, last_seen_version });
    }

    pub fn read_values(&mut self) {
        let instance = self.some_instance();
        let call = match self.random.below(3) {
            0 => Call::GetKvAllValues { instance },
            _ => Call::GetKvValue { instance, key: self.key() },
        };
        self.call(call);
    }

    pub fn read_stats(&mut self) {
        let instance = self.some_instance();
        self.call(Call::GetInstanceStats { instance });
    }

    pub fn list(&mut self) {
        let call = match self.random.below(4) {
            0 => Call::ListInstances,
            1 => Call::ListExecutions { instance: self.some_instance() },
            _ => Call::ListInstancesByStatus { status: self.some_status() },
        };
        self.call(call);
    }

    fn some_status(&mut self) -> String {
        const STATUSES: [&str; 8] =
            ["Running", "Running", "Completed", "Completed", "Failed", "ContinuedAsNew", "running", "Canceled"];
        if self.random.one_in(12) { self.awkward() } else { STATUSES[self.random.below(8) as usize].to_owned() }
    }

    pub fn read_info(&mut self) {
        let instance = self.some_instance();
        let call = match self.random.below(2) {
            0 => Call::GetInstanceInfo { instance },
            _ => Call::GetExecutionInfo { instance, execution: self.execution() },
        };
        self.call(call);
    }

    pub fn read_totals(&mut self) {
        let call = if self.random.one_in(2) { Call::GetSystemMetrics } else { Call::GetQueueDepths };
        self.call(call);
    }

    pub fn read_family(&mut self) {
        let instance = self.some_instance();
        let call = match self.random.below(3) {
            0 => Call::ListChildren { instance },
            1 => Call::GetParentId { instance },
            _ => Call::GetInstanceTree { instance },
        };
        self.call(call);
    }

    /// Any read of an instance; sometimes a second one of the same instance.
    pub fn look(&mut self) {
        self.look_once();
        if self.random.one_in(6) {
            self.repeat();
        }
    }

    fn look_once(&mut self) {
        match self.random.below(8) {
            0 => self.read_history(),
            1 => self.read_status(),
            2 => self.read_values(),
            3 => self.read_stats(),
            4 => self.list(),
            5 => self.read_info(),
            6 => self.read_totals(),
            _ => self.read_family(),
        }
    }

    /// Appends events outside of a turn.
    pub fn append(&mut self) {
        let instance = self.some_instance();
        let mut events = self.history();
        if self.random.one_in(10) {
            // No event has the id 0.
            events.iter_mut().take(1).for_each(|event| std::sync::Arc::make_mut(event).event_id = 0);
        }
        if self.random.one_in(3) {
            // Relative to the known events of that execution, so usually new.
            let execution = self.execution().max(1);
            return self.relative(Call::AppendWithExecution { instance, execution, events });
        }
        // No execution has the number 0.
        let execution = self.execution().max(1);
        self.call(Call::AppendWithExecution { instance, execution, events });
    }
}
