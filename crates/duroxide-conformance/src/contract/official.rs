//! The names of duroxide's official validations, by module, in the order of
//! its source. Which rules each one looks at is said at the rules.

macro_rules! names {
    ($($module:ident { $($name:ident $(with $how:ident)?;)* })*) => {
        /// Modules of `duroxide::provider_validation` with their validations.
        pub(super) const VALIDATIONS: &[(&str, &[&str])] =
            &[$((stringify!($module), &[$(stringify!($name)),*])),*];
    };
}

official_validations!(names);
