//! [`Outcome`]: the return type of a body.

/// The return type of a body: nothing, or a result whose error implements `Display` (the
/// error need not be `Send`).
pub trait Outcome {
    /// The value that the run returns.
    type Value: Send + 'static;

    /// Returns the value of a successful body.
    ///
    /// # Errors
    ///
    /// If the body returned an error, with its text.
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
