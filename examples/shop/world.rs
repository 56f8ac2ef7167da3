//! The services in memory, for the demonstration and the tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;

use crate::model::{Charge, Mail, Reservation};
use crate::services::{Mailer, Payments, Services, Warehouse};

/// How long the warehouse packs.
pub const PACKING: Duration = Duration::from_secs(45 * 60);

/// What the services have done.
#[derive(Default, Debug)]
struct Books {
    stock: BTreeMap<String, u32>,
    reserved: BTreeMap<String, Reservation>,
    /// What each request to set pieces aside was answered: one that is repeated, perhaps long after its order has
    /// ended, gets the same answer and changes nothing.
    answered: BTreeMap<String, bool>,
    shipped: BTreeMap<String, String>,
    /// The amounts that were taken under each key: one, unless something is wrong.
    charged: BTreeMap<String, Vec<u64>>,
    refunded: BTreeMap<String, u64>,
    mails: BTreeMap<String, Mail>,
}

/// The outside world: it outlives every crash of the shop.
#[derive(Clone, Default)]
pub struct World(Arc<Mutex<Books>>);

impl World {
    /// A world with so many pieces of one item in stock.
    pub fn with_stock(item: &str, count: u32) -> World {
        let world = World::default();
        world.books().stock.insert(item.to_owned(), count);
        world
    }

    pub fn services(&self) -> Services {
        let world = Arc::new(self.clone());
        Services { payments: world.clone(), warehouse: world.clone(), mailer: world }
    }

    /// The pieces of an item that are neither set aside nor shipped.
    pub fn stock(&self, item: &str) -> u32 {
        self.books().stock.get(item).copied().unwrap_or(0)
    }

    /// Whether the money of this key was taken, and not given back.
    pub fn is_paid(&self, key: &str) -> bool {
        let books = self.books();
        books.charged.contains_key(key) && !books.refunded.contains_key(&format!("receipt-{key}"))
    }

    pub fn is_shipped(&self, key: &str) -> bool {
        self.books().shipped.contains_key(key)
    }

    /// Whether pieces are set aside under this key, and not shipped.
    pub fn is_reserved(&self, key: &str) -> bool {
        let books = self.books();
        books.reserved.contains_key(key) && !books.shipped.contains_key(key)
    }

    /// How often money was taken under this key.
    pub fn charges(&self, key: &str) -> usize {
        self.books().charged.get(key).map_or(0, Vec::len)
    }

    /// The number of mails sent.
    pub fn mails(&self) -> usize {
        self.books().mails.len()
    }

    /// Takes money, whether or not that was done under this key before.
    pub fn take(&self, charge: &Charge) {
        self.books().charged.entry(charge.key.clone()).or_default().push(charge.cents);
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().expect("no service panics while it holds the books")
    }
}

#[async_trait]
impl Payments for World {
    async fn charge(&self, charge: &Charge) -> Result<String, String> {
        if self.charges(&charge.key) == 0 {
            self.take(charge);
        }
        Ok(format!("receipt-{}", charge.key))
    }

    async fn refund(&self, receipt: &str) -> Result<(), String> {
        *self.books().refunded.entry(receipt.to_owned()).or_default() += 1;
        Ok(())
    }
}

#[async_trait]
impl Warehouse for World {
    async fn reserve(&self, reservation: &Reservation) -> Result<bool, String> {
        let mut books = self.books();
        if let Some(answer) = books.answered.get(&reservation.key) {
            return Ok(*answer);
        }
        let stock = books.stock.entry(reservation.item.clone()).or_default();
        let rest = stock.checked_sub(reservation.count);
        *stock = rest.unwrap_or(*stock);
        if rest.is_some() {
            books.reserved.insert(reservation.key.clone(), reservation.clone());
        }
        books.answered.insert(reservation.key.clone(), rest.is_some());
        Ok(rest.is_some())
    }

    async fn release(&self, key: &str) -> Result<(), String> {
        let mut books = self.books();
        books.answered.insert(key.to_owned(), false);
        if let Some(reservation) = books.reserved.remove(key) {
            *books.stock.entry(reservation.item).or_default() += reservation.count;
        }
        Ok(())
    }

    async fn ship(&self, key: &str) -> Result<String, String> {
        tokio::time::sleep(PACKING).await;
        let mut books = self.books();
        if !books.reserved.contains_key(key) {
            return Err(format!("nothing is set aside for {key}"));
        }
        let parcel = format!("parcel-{key}");
        books.shipped.insert(key.to_owned(), parcel.clone());
        Ok(parcel)
    }
}

#[async_trait]
impl Mailer for World {
    async fn send(&self, mail: &Mail) -> Result<(), String> {
        self.books().mails.insert(mail.key.clone(), mail.clone());
        Ok(())
    }
}
