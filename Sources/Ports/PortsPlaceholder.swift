// Moved here from the launcher: see PortAllocator.
