"""A study rehearsed: stand-ins go through all of it in simulated time, and a report tells what came of it."""
