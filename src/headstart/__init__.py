"""How much of a head start does transfer learning give, and which way is worth it?"""

__version__ = "0.1.0"
