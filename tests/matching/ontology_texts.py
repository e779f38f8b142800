"""Small files in the formats of releases, with what makes those hard to read."""

#: As the Cell Ontology is released, with clauses that strict readers refuse it for.
CELLS = """\
format-version: 1.2
data-version: cl/releases/2022-08-16/cl-basic.owl
date: 05:20:2021 12:00
subsetdef: ubprop:upper_level "abstract upper-level terms not directly useful for analysis"
synonymtypedef: abbreviation "abbreviation"
ontology: cl/cl-basic
property_value: dc-title "Cell Ontology" xsd:string

[Term]
id: CL:0000000
name: cell
subset: ubprop:upper_level
xref: FMA:68646

[Term]
id: CL:0000002
name: obsolete immortal cell line cell
synonym: "permanent cell line cell" EXACT []
is_obsolete: true
replaced_by: CLO:0000019

[Term]
id: CL:0000034
name: stem cell
def: "A relatively undifferentiated cell! {It} divides." [GOC:tfm, MESH:D013234]
comment: "Not closed, and that is nobody's business.
synonym: "animal stem cell" EXACT []
synonym: "parent cell" BROAD []
xref: KEGG COMPOUND:70458-96-7 "a clause that is not well formed"
creation_date: 202z-09-29T15:45:36Z
is_a: CL:0000000 {is_inferred="true"} ! cell

[Term]
id: CL:9000001
name: quendral stem cell {comment="a name \\"with\\" a modifier"}
namespace: cell
alt_id: CL:9000099
synonym: "Quend's \\"blue\\" cell" EXACT abbreviation [TAO:Bird and Mabee 2003] {source="X:1, Y:2"}
synonym: "QSC" EXACT [PMID:1]
synonym: "IN" EXACT []
synonym: "deep stem cell" NARROW []
synonym: "near stem cell" RELATED [FMA:1]
synonym: "old stem cell" EXACT DEPRECATED []
is_a: CL:0000034 {is_inferred="true"} ! stem cell
intersection_of: CL:0000034 ! stem cell
relationship: part_of UBERON:0000955 {all_only="true"} ! brain
relationship: part_of CL:9000001 ! itself, as upper ontologies have it
relationship: develops_from CL:0000031 ! neuroblast

[Term]
id: CL:9000002
name: quendroblast \\{sensu Vertebrata\\}
is_a: CL:9000099 ! quendral stem cell, by an id it had before
relationship: BFO:0000050 UBERON:0000955 ! brain

[Term]
id: GO:0008150
name: biological_process

[Term]
id: CHEBI:24431
namespace: chebi_ontology
def: "Has no name." []

[Typedef]
id: part_of
name: part of
is_transitive: true
"""

#: As ``cellosaurus.obo`` is released.
LINES_OBO = """\
format-version: 1.2
default-namespace: cellosaurus
subsetdef: Cancer_cell_line "Cancer cell line"
ontology: Cellosaurus
! Lines of the head that strict readers refuse

[Term]
id: CVCL_0004
name:K-562
synonym: "GM05372E" RELATED []
subset: Cancer_cell_line
xref: NCBI_TaxID:9606 ! Homo sapiens (Human)
comment: "Group: ENCODE project cell line. Derived from site: In situ; Pleural effusion."

[Term]
id: CVCL_ZX77
name:ZX-77
synonym: "Zelxit 77" RELATED []
xref: NCBI_TaxID:10090 ! Mus musculus (Mouse)
relationship: derived_from CVCL_0004 ! K-562
creation_date: 2012-10-22T00:00:00Z
"""

#: As ``cellosaurus.txt`` is released.
LINES = """\
----------------------------------------------------------------------------
        CALIPHO group at the SIB - Swiss Institute of Bioinformatics
----------------------------------------------------------------------------

 Description: Cellosaurus: a knowledge resource on cell lines
 Version: 51.0

 ---------  ------------------------------  -----------------------
 Line code  Content                         Occurrence in an entry
 ---------  ------------------------------  -----------------------
 ID         Identifier (cell line name)     Once; starts an entry
 //         Terminator                      Once; ends an entry
____________________________________________________________________________
ID   ZX-77
AC   CVCL_ZX77
AS   CVCL_ZX78
SY   Zelxit 77; ZELXIT-77; Zel77
DR   Cell_Model_Passport; SIDM01208
RX   PubMed=4864103;
CC   Problematic cell line: Contaminated. Shown to be a K-562 derivative (PubMed=4864103).
CC   Derived from site: In situ; Uterus, cervix; UBERON=UBERON_0000002.
CC   Cell type: Fibroblast of skin; CL=CL_0002620.
DI   NCIt; C3728; Hepatoblastoma
DI   ORDO; Orphanet_449; Hepatoblastoma of another book
OX   NCBI_TaxID=9606; ! Homo sapiens (Human)
HI   CVCL_0004 ! K-562
SX   Female
AG   30Y6M
CA   Cancer cell line
DT   Created: 04-04-12; Last updated: 10-04-25; Version: 43
//
ID   #16-15
AC   CVCL_KA96
SY   Zel77; 16.15
CC   Derived from metastatic site: Bone.
OX   NCBI_TaxID=10090; ! Mus musculus (Mouse)
OX   NCBI_TaxID=10116; ! Rattus norvegicus (Rat)
CA   Hybridoma
//
ID   Heart
AC   CVCL_HT01
SY   Heartling 3
OX   NCBI_TaxID=7955; ! Danio rerio (Zebrafish)
//
"""
