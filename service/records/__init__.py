"""Records: what an agency signs. Reading, verifying and judging one record, without database or network.

`sdjwt` takes the bytes apart and proves who signed them; `facets` judges what they say; `cautions` finds what
a person should look at again; `contract` writes the same rules as JSON Schema.
"""
