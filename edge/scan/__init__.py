"""Where codes come from: cameras, keyboard-wedge and serial readers."""
