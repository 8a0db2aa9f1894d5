//! The rooms of one process: who is in them, and what was said a moment ago. Time is an argument.

use std::collections::{BTreeMap, HashMap, VecDeque};

use hubplane_hub::{ConnectionId, TypeScript};
use serde::{Deserialize, Serialize};

use crate::limits::{
    CONNECTIONS_PER_PERSON_MAX, HISTORY_BYTES_MAX, NAME_CHARS_MAX, ROOM_CHARS_MAX, TEXT_CHARS_MAX,
    WINDOW_BYTES_MAX,
};
use crate::{ChatSettings, text};

/// One thing that somebody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TypeScript)]
pub struct Line {
    /// Where it was said.
    pub room: String,
    /// Greater than that of everything said before. What was said is told live and once more in [`Welcome`]: a number
    /// that is there already is the same line.
    pub number: u64,
    /// Who said it.
    pub name: String,
    /// What was said; any text.
    pub text: String,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// Who is in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TypeScript)]
pub struct Here {
    /// The room.
    pub room: String,
    /// Greater than that of all older news. News of two people's doing may overtake each other: the greatest counts.
    pub version: u64,
    /// Their names, in order.
    pub people: Vec<String>,
}

/// What somebody learns who came into a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TypeScript)]
pub struct Welcome {
    /// The room, as it is called here.
    pub room: String,
    /// The name, as others see it.
    pub name: String,
    /// Who is here.
    pub here: Here,
    /// What was said a moment ago, the oldest first.
    pub said: Vec<Line>,
}

/// Why something was not done; the text is for the person who wanted it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("a name has at least one letter")]
    NoName,
    #[error("a name has at most {NAME_CHARS_MAX} letters")]
    NameTooLong,
    #[error("a room's name has at least one letter")]
    NoRoom,
    #[error("a room's name has at most {ROOM_CHARS_MAX} letters")]
    RoomTooLong,
    #[error("there is nothing to say")]
    NoText,
    #[error("a message has at most {TEXT_CHARS_MAX} letters")]
    TextTooLong,
    #[error("a window's key has at most {WINDOW_BYTES_MAX} bytes")]
    WindowTooLong,
    #[error("{name} is taken in {room}; choose another name")]
    Taken { name: String, room: String },
    #[error("{room} is full; choose another room")]
    Full { room: String },
    #[error("there is no place for another room; choose one that is open")]
    TooManyRooms,
    #[error("join a room first")]
    Nowhere,
}

/// Where somebody came in, and which other room that emptied a place in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entered {
    pub(crate) room: String,
    pub(crate) left: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Rooms {
    settings: ChatSettings,
    rooms: HashMap<String, Room>,
    /// Where each connection is.
    seats: HashMap<ConnectionId, Seat>,
    /// Of the next line or news. Begins with the time, so that a hub that is started again goes on above.
    serial: u64,
    swept_at: u64,
}

#[derive(Debug, Clone)]
struct Seat {
    room: String,
    /// The key among the room's people.
    person: String,
}

#[derive(Debug, Default)]
struct Room {
    /// By their folded names.
    people: BTreeMap<String, Person>,
    said: VecDeque<Line>,
    said_bytes: usize,
}

#[derive(Debug)]
struct Person {
    name: String,
    /// Who comes with the same key is the same person. Nobody else is told.
    window: String,
    /// The oldest first; never empty.
    connections: Vec<ConnectionId>,
}

impl Rooms {
    /// No rooms yet; `now` in milliseconds since 1970.
    pub(crate) fn new(settings: ChatSettings, now: u64) -> Self {
        Self {
            settings,
            rooms: HashMap::new(),
            seats: HashMap::new(),
            // Microseconds: news would have to come faster than these to outrun the clock.
            serial: now.saturating_mul(1_000),
            swept_at: now,
        }
    }

    /// Puts a connection into a room, and out of the one in which it was. Refused, it stays where it was.
    pub(crate) fn enter(
        &mut self,
        connection: &ConnectionId,
        room: &str,
        name: &str,
        window: &str,
        now: u64,
    ) -> Result<Entered, Refusal> {
        let room = text::room(room)?;
        let name = text::name(name)?;
        if window.len() > WINDOW_BYTES_MAX {
            return Err(Refusal::WindowTooLong);
        }
        self.sweep(now);
        let person = text::folded(&name);
        self.admit(connection, &room, &person, window)?;

        let left = self.leave(connection).filter(|left| *left != room);
        let people = &mut self.rooms.entry(room.clone()).or_default().people;
        let entry = people.entry(person.clone()).or_insert_with(|| Person {
            name: String::new(),
            window: window.to_owned(),
            connections: Vec::new(),
        });
        entry.name = name;
        entry.connections.push(connection.clone());
        if entry.connections.len() > CONNECTIONS_PER_PERSON_MAX {
            let oldest = entry.connections.remove(0);
            self.seats.remove(&oldest);
        }
        let seat = Seat {
            room: room.clone(),
            person,
        };
        self.seats.insert(connection.clone(), seat);
        Ok(Entered { room, left })
    }

    /// Whether there is a place for it. Changes nothing.
    fn admit(
        &self,
        connection: &ConnectionId,
        room: &str,
        person: &str,
        window: &str,
    ) -> Result<(), Refusal> {
        let Some(open) = self.rooms.get(room) else {
            return if self.rooms.len() < self.settings.rooms.get() {
                Ok(())
            } else {
                Err(Refusal::TooManyRooms)
            };
        };
        match open.people.get(person) {
            // Without a key only the connection itself is the same person.
            Some(other) if other.connections == [connection.clone()] => Ok(()),
            Some(other) if !window.is_empty() && other.window == window => Ok(()),
            Some(other) => Err(Refusal::Taken {
                name: other.name.clone(),
                room: room.to_owned(),
            }),
            None if open.people.len() >= self.settings.people_per_room.get() => {
                Err(Refusal::Full {
                    room: room.to_owned(),
                })
            }
            None => Ok(()),
        }
    }

    /// Takes a connection out of its room, which is returned; nobody, if it was in none.
    pub(crate) fn leave(&mut self, connection: &ConnectionId) -> Option<String> {
        let seat = self.seats.remove(connection)?;
        if let Some(room) = self.rooms.get_mut(&seat.room)
            && let Some(person) = room.people.get_mut(&seat.person)
        {
            person.connections.retain(|other| other != connection);
            if person.connections.is_empty() {
                room.people.remove(&seat.person);
            }
        }
        Some(seat.room)
    }

    /// What a connection that came in is told; nothing if it has left meanwhile.
    pub(crate) fn welcome(&mut self, connection: &ConnectionId, now: u64) -> Option<Welcome> {
        let seat = self.seats.get(connection)?.clone();
        let here = self.here(&seat.room);
        let room = self.rooms.get_mut(&seat.room)?;
        room.forget(&self.settings, now);
        Some(Welcome {
            name: room.people.get(&seat.person)?.name.clone(),
            said: room.said.iter().cloned().collect(),
            room: seat.room,
            here,
        })
    }

    /// Who is in a room.
    pub(crate) fn here(&mut self, room: &str) -> Here {
        let people = self.rooms.get(room).map(|room| &room.people);
        Here {
            room: room.to_owned(),
            people: people
                .into_iter()
                .flat_map(BTreeMap::values)
                .map(|person| person.name.clone())
                .collect(),
            version: self.next(),
        }
    }

    /// Keeps what a connection says in its room.
    pub(crate) fn say(
        &mut self,
        connection: &ConnectionId,
        raw: &str,
        now: u64,
    ) -> Result<Line, Refusal> {
        self.sweep(now);
        let seat = self.seats.get(connection).ok_or(Refusal::Nowhere)?.clone();
        let text = text::said(raw)?;
        let number = self.next();
        let room = self.rooms.get_mut(&seat.room).ok_or(Refusal::Nowhere)?;
        let person = room.people.get(&seat.person).ok_or(Refusal::Nowhere)?;
        let line = Line {
            room: seat.room,
            number,
            name: person.name.clone(),
            text,
            at: now,
        };
        room.keep(line.clone(), &self.settings, now);
        Ok(line)
    }

    /// Once in a while, forgets the rooms in which nobody is and nothing was said for long enough.
    fn sweep(&mut self, now: u64) {
        let settings = &self.settings;
        let due = now.abs_diff(self.swept_at) >= millis(settings.history_age);
        if !due && self.rooms.len() < settings.rooms.get() {
            return;
        }
        self.swept_at = now;
        self.rooms.retain(|_, room| {
            room.forget(settings, now);
            !room.people.is_empty() || !room.said.is_empty()
        });
    }

    fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }
}

impl Room {
    fn keep(&mut self, line: Line, settings: &ChatSettings, now: u64) {
        self.said_bytes += line.cost();
        self.said.push_back(line);
        self.forget(settings, now);
    }

    /// Forgets what is too old or too much.
    fn forget(&mut self, settings: &ChatSettings, now: u64) {
        while let Some(oldest) = self.said.front() {
            // Also if the clock was set back.
            let old = now.abs_diff(oldest.at) >= millis(settings.history_age);
            if !old
                && self.said.len() <= settings.history_lines
                && self.said_bytes <= HISTORY_BYTES_MAX
            {
                return;
            }
            self.said_bytes -= oldest.cost();
            self.said.pop_front();
        }
    }
}

impl Line {
    fn cost(&self) -> usize {
        self.room.len() + self.name.len() + self.text.len()
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
