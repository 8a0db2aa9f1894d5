//! What a hub author depends on: Hub, Context, Clients, Groups, errors.
