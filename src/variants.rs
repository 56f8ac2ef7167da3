//! A macro for enums without fields whose variants are listed.

/// Declares an enum and its constant `ALL`, so that a new variant is in the list as well.
macro_rules! listed {
    (
        $(#[$about:meta])*
        $public:vis enum $name:ident { $($(#[$of:meta])* $variant:ident,)* }
    ) => {
        $(#[$about])*
        $public enum $name {
            $($(#[$of])* $variant,)*
        }

        impl $name {
            /// All of them, in the order in which they are declared.
            $public const ALL: &[$name] = &[$($name::$variant),*];
        }
    };
}

pub(crate) use listed;
