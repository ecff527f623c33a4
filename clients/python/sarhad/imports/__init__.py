"""Tables become records: read a CSV or XLSX file, map its columns by a profile, sign each row, send with
resume.
"""
