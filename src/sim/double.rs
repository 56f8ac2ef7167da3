//! [`Double`]: what an activity answers in a simulation, in place of its handler.
//!
//! This is data; `doubles` carries it out.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use duroxide::ActivityContext;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::typed;

/// The code of an answer. An outer error says why the code cannot be given this call.
pub(super) type Code = Arc<dyn Fn(ActivityContext, String) -> Coded + Send + Sync>;

type Coded = Pin<Box<dyn Future<Output = Result<Result<String, String>, String>> + Send>>;

/// A double of an activity: a script of answers that replaces the activity's handler
/// ([`super::Sim::double`]).
///
/// ```
/// use duroxide_sim::sim::Double;
/// use std::time::Duration;
///
/// // Fails twice, each time after 3 seconds, and then succeeds.
/// let charge = Double::fails("503").taking(Duration::from_secs(3)).times(2).then(Double::returns("receipt-1"));
/// // Never answers for one customer.
/// let blocked = Double::never().for_input("Bob");
/// ```
///
/// The answers are counted by attempt: the first call of the activity by an instance with a
/// certain input is the first attempt, the next call with the same input is the second, as
/// in a retry or a loop. An attempt that is delivered again, after a crash or because its ack
/// was lost, gets the same answer again.
#[derive(Clone)]
#[must_use = "a double takes part in a simulation once it is given to Sim::double"]
pub struct Double {
    pub(super) steps: Vec<Step>,
    pub(super) filters: Vec<Filter>,
    /// A mistake in the description, reported when the simulation runs.
    pub(super) misused: Option<String>,
}

/// One answer of a script, and for how many attempts it holds.
#[derive(Clone)]
pub(super) struct Step {
    pub answer: Answer,
    /// `None`: for all that follow.
    pub times: Option<u32>,
    pub takes: Duration,
    pub held: bool,
}

#[derive(Clone)]
pub(super) enum Answer {
    Value(Result<String, String>),
    Panic(String),
    Never,
    Code(Code),
    /// What the activity's own handler answers.
    Real,
}

/// What a double looks at to decide whether a call is for it.
#[derive(Clone)]
pub(super) enum Filter {
    Input(String),
    Instance(String),
}

impl Filter {
    pub fn admits(&self, instance: &str, input: &str) -> bool {
        match self {
            Filter::Input(wanted) => wanted == input,
            Filter::Instance(wanted) => wanted == instance,
        }
    }
}

impl Double {
    fn of(answer: Answer) -> Double {
        let step = Step { answer, times: None, takes: Duration::ZERO, held: false };
        Double { steps: vec![step], filters: Vec::new(), misused: None }
    }

    /// Answers with this value, in the form of duroxide's typed activities: a string as it
    /// is, anything else as JSON.
    pub fn returns(value: impl Serialize) -> Double {
        match typed::encode(&value) {
            Ok(value) => Double::of(Answer::Value(Ok(value))),
            Err(error) => {
                let why = format!("a value that Double::returns was given cannot be written as JSON: {error}");
                Double { misused: Some(why), ..Double::never() }
            }
        }
    }

    /// Fails with this error.
    pub fn fails(error: impl Into<String>) -> Double {
        Double::of(Answer::Value(Err(error.into())))
    }

    /// Panics with this message, which duroxide turns into a failure of the activity.
    pub fn panics(message: impl Into<String>) -> Double {
        Double::of(Answer::Panic(message.into()))
    }

    /// Never answers. The activity runs until its orchestration cancels it or its node ends. A
    /// run in which the body waits, without a time limit, and nothing is left but such calls
    /// ends as stalled after ten days of virtual time ([`super::Cause::Stalled`]).
    pub fn never() -> Double {
        Double::of(Answer::Never)
    }

    /// Answers as the activity's own handler does.
    pub fn real() -> Double {
        Double::of(Answer::Real)
    }

    /// Answers with what this code returns, which has the form of a typed activity. A call whose
    /// input is not an `In` fails the run ([`super::Cause::Setup`]).
    ///
    /// ```
    /// use duroxide_sim::sim::Double;
    ///
    /// let quote = Double::with(|_ctx, (item, count): (String, u32)| async move {
    ///     if item == "book" { Ok(count * 12) } else { Err(format!("no price for {item}")) }
    /// });
    /// ```
    pub fn with<In, Out, F, Fut>(code: F) -> Double
    where
        In: DeserializeOwned + Send + 'static,
        Out: Serialize + Send + 'static,
        F: Fn(ActivityContext, In) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Out, String>> + Send + 'static,
    {
        let code = Arc::new(code);
        Double::of(Answer::Code(Arc::new(move |ctx, input| {
            let code = code.clone();
            Box::pin(async move {
                let wanted = std::any::type_name::<In>();
                let input = typed::decode(&input).map_err(|error| {
                    format!("its double (Double::with) takes a {wanted}, which this is not: {error}")
                })?;
                match code(ctx, input).await {
                    Ok(value) => typed::encode(&value)
                        .map(Ok)
                        .map_err(|error| format!("its double returned what cannot be written as JSON: {error}")),
                    Err(error) => Ok(Err(error)),
                }
            })
        })))
    }

    /// Takes this much virtual time before each answer. Applies to the last answer of the
    /// script.
    pub fn taking(mut self, takes: Duration) -> Double {
        self.last().takes = takes;
        self
    }

    /// Holds calls until the body lets them go ([`super::Handle::release`]). Applies to the
    /// last answer of the script. A run in which the body waits for calls that nobody releases
    /// ends as with [`Double::never`].
    pub fn held(mut self) -> Double {
        self.last().held = true;
        self
    }

    /// Gives the last answer of the script to this many attempts. Without it, an answer is
    /// given to all attempts that follow. A further attempt after the last one of a script
    /// fails the run ([`super::Cause::Setup`]).
    pub fn times(mut self, times: u32) -> Double {
        if times == 0 {
            let why = "Double::times was given 0, so its answer is never given. Remove the answer.".to_owned();
            self.misused.get_or_insert(why);
        }
        self.last().times = Some(times);
        self
    }

    /// Continues the script with the answers of another double.
    pub fn then(mut self, next: Double) -> Double {
        if self.last().times.is_none() {
            let why = "the answers after Double::then are never given, because the answer before it has no \
                       Double::times"
                .to_owned();
            self.misused.get_or_insert(why);
        }
        if !next.filters.is_empty() {
            let why = "Double::then was given a double with filters. Filter the whole script instead.".to_owned();
            self.misused.get_or_insert(why);
        }
        self.misused = self.misused.or(next.misused);
        self.steps.extend(next.steps);
        self
    }

    /// Applies only to calls with this input, in the form of duroxide's typed activities.
    pub fn for_input(mut self, input: impl Serialize) -> Double {
        match typed::encode(&input) {
            Ok(input) => self.filters.push(Filter::Input(input)),
            Err(error) => {
                let why = format!("an input that Double::for_input was given cannot be written as JSON: {error}");
                self.misused.get_or_insert(why);
            }
        }
        self
    }

    /// Applies only to calls by this instance.
    pub fn for_instance(mut self, instance: impl Into<String>) -> Double {
        self.filters.push(Filter::Instance(instance.into()));
        self
    }

    fn last(&mut self) -> &mut Step {
        self.steps.last_mut().expect("a double has at least one answer")
    }
}

impl fmt::Debug for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Double").field("answers", &self.steps.len()).finish_non_exhaustive()
    }
}
