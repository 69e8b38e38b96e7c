# What is known: how many tenants there are, one a line. Where grep finds none it fails, and nothing is scaled.
grep -c . "${tenantsFile:-tenants.txt}" || { echo "no tenant in ${tenantsFile:-tenants.txt}" >&2; exit 1; }
