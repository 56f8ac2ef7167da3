//! Nothing: what is here are the tests, which need a feature of duroxide that
//! nothing else may be built with.
