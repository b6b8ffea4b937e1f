"""Letters as PDF: templates, fonts, the codes on tickets, and measuring what was set."""
