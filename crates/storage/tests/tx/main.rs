//! Transactions over the memory backend: what they do, refuse and leave behind, alone and against each other; and the
//! form of the records that they write.

mod nouns;
mod races;
mod records;
mod world;
