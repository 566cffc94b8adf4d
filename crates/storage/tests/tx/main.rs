//! Transactions over the memory backend: what they do, refuse and leave behind, alone, against each other and
//! when the store fails; and the
//! form of the records that they write.

mod faults;
mod leftovers;
mod limits;
mod lists;
mod nouns;
mod races;
mod records;
mod services;
mod world;
