//! [`Outcome`]: what a body may return.

/// What a body may return: nothing, or a result whose error can be printed (the
/// error need not be `Send`).
pub trait Outcome {
    /// What a run hands on.
    type Value: Send + 'static;

    /// The value, or why there is none.
    ///
    /// # Errors
    ///
    /// When the body returned an error, as text.
    fn into_result(self) -> Result<Self::Value, String>;
}

impl Outcome for () {
    type Value = ();

    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<T: Send + 'static, E: std::fmt::Display> Outcome for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}
