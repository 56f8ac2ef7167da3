//! The names of duroxide's official validations, by module, in the order of its
//! source. The rules list which validations check them.

macro_rules! names {
    ($($module:ident { $($name:ident $(with $how:ident)?;)* })*) => {
        /// Modules of `duroxide::provider_validation` with their validations.
        pub(super) const VALIDATIONS: &[(&str, &[&str])] =
            &[$((stringify!($module), &[$(stringify!($name)),*])),*];
    };
}

official_validations!(names);
