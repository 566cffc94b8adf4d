//! Transactions over the memory backend: their effects, refusals and index rows, alone, concurrently and when the store
//! fails; and the format of the records.

mod consistency;
mod env;
mod faults;
mod leftovers;
mod limits;
mod lists;
mod names;
mod nouns;
mod races;
mod records;
mod saml_uses;
mod services;
